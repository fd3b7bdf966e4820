// Statements: control flow, calls, and what the threads of a block do together.
#include "codegen/cuda/FunctionPrinter.h"

#include "mlir/IR/Matchers.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nnc;

LogicalResult FunctionPrinter::printBlock(Block &block) {
  for (Operation &op : block)
    if (failed(printOp(op)))
      return failure();
  return success();
}

LogicalResult FunctionPrinter::printOp(Operation &op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](gpu::BarrierOp op) { return printBarrier(op); })
      .Case([&](gpu::ShuffleOp op) { return printShuffle(op); })
      .Case([&](nvgpu::DeviceAsyncCopyOp op) { return printCopy(op); })
      .Case([&](nvgpu::DeviceAsyncCreateGroupOp) {
        line("end_group();");
        return success();
      })
      .Case([&](nvgpu::DeviceAsyncWaitOp op) {
        line("wait_for_groups<" + Twine(op.getNumGroups().value_or(0)) +
             ">();");
        return success();
      })
      .Case([&](scf::ForOp op) { return printFor(op); })
      .Case([&](scf::IfOp op) { return printIf(op); })
      .Case([&](scf::WhileOp op) { return printWhile(op); })
      .Case([&](func::CallOp op) { return printCall(op); })
      .Case([&](func::ReturnOp op) { return printReturn(op); })
      .Case([&](memref::AllocaOp op) { return printAlloca(op); })
      .Case([&](memref::ReinterpretCastOp op) {
        return printReinterpretCast(op);
      })
      .Case([&](memref::CastOp op) {
        views[op.getResult()] = viewOf(op.getSource());
        return success();
      })
      .Case([&](memref::StoreOp op) {
        return printStore(op, op.getMemRef(), op.getIndices(), op.getValue());
      })
      .Case([&](vector::StoreOp op) {
        return printStore(op, op.getBase(), op.getIndices(),
                          op.getValueToStore());
      })
      .Case([&](vector::TransferWriteOp op) -> LogicalResult {
        if (!isPlainTransfer(op, op.getBase(), op.getVectorType(),
                             op.getPermutationMap(), bool(op.getMask()),
                             op.getInBounds()))
          return failure();
        return printStore(op, op.getBase(), op.getIndices(), op.getVector());
      })
      // Printed by the operation around them.
      .Case<scf::YieldOp, scf::ConditionOp>(
          [](Operation *) { return success(); })
      .Default([&](Operation *op) { return printValue(*op); });
}

LogicalResult FunctionPrinter::printBarrier(gpu::BarrierOp op) {
  synchronizes = true;
  if (failed(nameReads()))
    return failure();
  line("__syncthreads();");
  return success();
}

/// Groups are counted: tokens have no form of their own.
LogicalResult FunctionPrinter::printCopy(nvgpu::DeviceAsyncCopyOp op) {
  auto type = cast<MemRefType>(op.getDst().getType());
  int64_t bits =
      op.getDstElements().getSExtValue() * type.getElementTypeBitWidth();
  if (bits != 128)
    return op.emitOpError("copies other than 16 bytes, which has no form here");
  std::string to = address(op.getDst(), op.getDstIndices()),
              from = address(op.getSrc(), op.getSrcIndices());
  std::string count =
      op.getSrcElements() ? ", " + text(op.getSrcElements()) : "";
  if (failed(nameReads()))
    return failure();
  line("begin_copy(" + to + ", " + from + count + ");");
  return success();
}

LogicalResult FunctionPrinter::printShuffle(gpu::ShuffleOp op) {
  synchronizes = true;
  APInt width;
  if (!matchPattern(op.getWidth(), m_ConstantInt(&width)) || width != 32)
    return op.emitOpError("has a width other than 32, which has no form here");
  if (!op.getValid().use_empty())
    return op.emitOpError("has a use of its second result, which has no form "
                          "in CUDA C++");
  gpu::ShuffleMode mode = op.getMode();
  std::string name = mode == gpu::ShuffleMode::IDX
                         ? ""
                         : "_" + gpu::stringifyShuffleMode(mode).str();
  std::string value = text(op.getValue());
  std::string offset = text(op.getOffset());
  if (failed(nameReads()))
    return failure();
  return declare(
      op.getShuffleResult(),
      {"__shfl" + name + "_sync(0xffffffffu, " + value + ", " + offset + ")"});
}

/// Variables for values that are assigned later, with what they begin as.
LogicalResult FunctionPrinter::declareResults(Operation *op, ValueRange results,
                                              ValueRange inits) {
  for (auto [i, result] : llvm::enumerate(results)) {
    FailureOr<std::string> type = typeOf(result);
    if (failed(type))
      return failure();
    std::string init = inits.empty() ? "" : " = " + text(inits[i]);
    std::string name = nameFor(result);
    line(*type + " " + name + init + ";");
    define(result, {name});
  }
  return success();
}

static bool mentions(StringRef text, StringRef name) {
  auto isPart = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  for (size_t at = text.find(name); at != StringRef::npos;
       at = text.find(name, at + 1)) {
    size_t end = at + name.size();
    if ((at == 0 || !isPart(text[at - 1])) &&
        (end == text.size() || !isPart(text[end])))
      return true;
  }
  return false;
}

/// Assigns as if at once: a value that reads a variable assigned before it is
/// named first.
LogicalResult FunctionPrinter::assignAll(ArrayRef<std::string> names,
                                         ValueRange values) {
  for (auto [i, value] : llvm::enumerate(values)) {
    std::string expression = expressionOf(value).text;
    bool isLate = llvm::any_of(names.take_front(i), [&](StringRef name) {
      return mentions(expression, name);
    });
    if (!isLate)
      continue;
    FailureOr<std::string> type = typeOf(value);
    if (failed(type))
      return failure();
    std::string name = uniqueName("next_" + names[i]);
    line(*type + " " + name + " = " + text(value) + ";");
    define(value, {name});
  }
  for (auto [name, value] : llvm::zip(names, values))
    assign(name, value, /*mayAccumulate=*/true);
  return success();
}

LogicalResult FunctionPrinter::printFor(scf::ForOp op) {
  noteSource(op);
  if (failed(declareResults(op, op.getResults(), op.getInitArgs())))
    return failure();
  for (auto [result, carried] :
       llvm::zip(op.getResults(), op.getRegionIterArgs()))
    define(carried, {expressionOf(result).text});
  std::string lower = text(op.getLowerBound());
  std::string upper = text(op.getUpperBound(), Relational + 1);
  std::string step = text(op.getStep());
  if (failed(nameReads()))
    return failure();
  FailureOr<std::string> type = typeOf(op.getInductionVar());
  if (failed(type))
    return failure();
  std::string counter = nameFor(op.getInductionVar());
  define(op.getInductionVar(), {counter});
  if (Attribute unroll = op->getAttr("nnc.unroll")) {
    auto count = dyn_cast<IntegerAttr>(unroll);
    std::string times = count ? " " + std::to_string(count.getInt()) : "";
    line("_Pragma(\"unroll" + times + "\")");
  }
  std::string next = step == "1" ? "++" + counter : counter + " += " + step;
  open("for (" + *type + " " + counter + " = " + lower + "; " + counter +
       " < " + upper + "; " + next + ")");
  if (failed(printBlock(*op.getBody())) ||
      failed(assignAll(textsOf(op.getResults()), op.getYieldedValues())))
    return failure();
  close();
  return success();
}

LogicalResult FunctionPrinter::printIf(scf::IfOp op) {
  noteSource(op);
  std::string condition = text(op.getCondition());
  if (failed(nameReads()) || failed(declareResults(op, op.getResults())))
    return failure();
  SmallVector<std::string> results = textsOf(op.getResults());
  open("if (" + condition + ")");
  if (failed(printBlock(*op.thenBlock())) ||
      failed(assignAll(results, op.thenYield().getResults())))
    return failure();
  if (op.elseBlock()) {
    --depth;
    open("} else");
    if (failed(printBlock(*op.elseBlock())) ||
        failed(assignAll(results, op.elseYield().getResults())))
      return failure();
  }
  close();
  return success();
}

LogicalResult FunctionPrinter::printWhile(scf::WhileOp op) {
  noteSource(op);
  if (failed(declareResults(op, op.getBeforeArguments(), op.getInits())) ||
      failed(declareResults(op, op.getResults())) || failed(nameReads()))
    return failure();
  SmallVector<std::string> carried = textsOf(op.getBeforeArguments());
  SmallVector<std::string> results = textsOf(op.getResults());
  for (auto [argument, name] : llvm::zip(op.getAfterArguments(), results))
    define(argument, {name});
  open("while (true)");
  if (failed(printBlock(*op.getBeforeBody())))
    return failure();
  std::string condition = text(op.getConditionOp().getCondition(), Unary);
  if (failed(assignAll(results, op.getConditionOp().getArgs())))
    return failure();
  line("if (!" + condition + ")");
  line("  break;");
  if (failed(printBlock(*op.getAfterBody())) ||
      failed(assignAll(carried, op.getYieldOp().getResults())))
    return failure();
  close();
  return success();
}

LogicalResult FunctionPrinter::printCall(func::CallOp op) {
  SmallVector<std::string> arguments;
  for (Value operand : op.getOperands())
    arguments.push_back(isa<MemRefType>(operand.getType())
                            ? viewOf(operand).base
                            : text(operand));
  StringRef callee = op.getCallee();
  auto module = function->getParentOfType<ModuleOp>();
  if (auto known = module.lookupSymbol<func::FuncOp>(callee))
    if (auto ofPrelude = known->getAttrOfType<StringAttr>("nnc.prelude"))
      callee = ofPrelude;
  std::string call = (callee + "(" + llvm::join(arguments, ", ") + ")").str();
  if (failed(nameReads()))
    return failure();
  if (op.getNumResults() == 1)
    return declare(op.getResult(0), {call});
  line(call + ";");
  return success();
}

LogicalResult FunctionPrinter::printReturn(func::ReturnOp op) {
  if (op.getNumOperands() == 1)
    line("return " + text(op.getOperand(0)) + ";");
  return success();
}
