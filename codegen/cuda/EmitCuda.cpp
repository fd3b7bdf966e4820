// A walk over structured control flow that prints a statement for what has an
// effect or is used more than once, and expressions inside of them for the
// rest. No operation is reordered with another that it could tell apart, and
// none is reassociated.
#include "codegen/cuda/EmitCuda.h"

#include "codegen/GeneratedText.h"
#include "codegen/cuda/CudaNames.h"
#include "codegen/cuda/CudaScalars.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Dialect/Affine/Transforms/Transforms.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace nnc;

/// An expression longer than this gets a name.
static constexpr size_t kMaxExpressionLength = 56;
static constexpr size_t kMaxLineLength = 88;

//===----------------------------------------------------------------------===//
// What attributes say
//===----------------------------------------------------------------------===//

static std::optional<Extent> toExtent(Attribute attribute) {
  auto array = dyn_cast_or_null<DenseI64ArrayAttr>(attribute);
  if (!array || array.size() != 3)
    return std::nullopt;
  return Extent{array[0], array[1], array[2]};
}

static std::optional<Extent> elementsOf(func::FuncOp function, unsigned i) {
  if (auto extent = toExtent(function.getArgAttr(i, "nnc.elements")))
    return extent;
  auto type = cast<MemRefType>(function.getArgument(i).getType());
  if (type.hasStaticShape())
    return Extent{type.getNumElements(), 0, 1};
  return std::nullopt;
}

/// Whether indices fit into 32 bits: those of elements, and of threads.
static bool hasNarrowIndices(func::FuncOp function, int64_t threads) {
  // What a grid goes beyond the elements, in whole blocks and strides.
  constexpr int64_t limit = (int64_t(1) << 31) - (int64_t(1) << 24);
  auto maxBatch =
      function->getParentOfType<ModuleOp>()->getAttrOfType<IntegerAttr>(
          "nnc.max_batch");
  auto isNarrow = [&](std::optional<Extent> extent, int64_t scale) {
    if (!extent || (extent->perBatch && !maxBatch))
      return false;
    int64_t size = extent->at(maxBatch ? maxBatch.getInt() : 1);
    return size < limit / scale;
  };
  if (!isNarrow(toExtent(function->getAttr("nnc.blocks")), threads))
    return false;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    if (isa<MemRefType>(type) && !isNarrow(elementsOf(function, i), 1))
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// Source locations
//===----------------------------------------------------------------------===//

static FileLineColLoc findSource(Location loc) {
  FileLineColLoc found;
  loc->walk([&](Location part) {
    auto source = dyn_cast<FileLineColLoc>(part);
    if (!source)
      return WalkResult::advance();
    found = source;
    return WalkResult::interrupt();
  });
  return found;
}

/// "model.nn:12", or nothing where it is not known.
static std::string describeSource(Location loc) {
  FileLineColLoc source = findSource(loc);
  // A line 0 is of no text.
  if (!source || source.getLine() == 0)
    return "";
  return toComment(llvm::sys::path::filename(source.getFilename())) + ":" +
         std::to_string(source.getLine());
}

//===----------------------------------------------------------------------===//
// The printer of one function
//===----------------------------------------------------------------------===//

namespace {

/// A memref value: where its elements are in an array or behind a pointer.
struct View {
  std::string base;
  /// Nested arrays are indexed by each index, everything else by a number.
  bool isArray = false;
  OpFoldResult offset;
  SmallVector<OpFoldResult> strides;
};

class FunctionPrinter {
public:
  FunctionPrinter(func::FuncOp function, bool hasNarrowIndices)
      : function(function), scalars{hasNarrowIndices} {
    // What it may call, and itself.
    for (auto other :
         function->getParentOfType<ModuleOp>().getOps<func::FuncOp>())
      if (!other.isPublic() || other == function)
        names.insert(other.getName());
  }

  /// As a kernel of so many threads a block.
  FailureOr<CudaKernel> printKernel(int64_t threads);
  /// As a function that kernels call.
  FailureOr<std::string> printHelper();

private:
  // Names and types.
  std::string uniqueName(StringRef wanted);
  std::string nameFor(Value value);
  std::string pointerType(BlockArgument argument);
  CudaKernel::Buffer describeBuffer(BlockArgument argument);
  FailureOr<std::string> typeOf(Value value);

  // Lines.
  void line(const Twine &text);
  void open(const Twine &text);
  void close();
  void noteSource(Operation *op);
  void printSignature(StringRef head, ArrayRef<std::string> parameters);

  // Expressions.
  Expression use(Value value);
  std::string text(Value value, int precedence = 0);
  bool isInlined(Operation *op);
  void define(Value value, Expression expression);
  LogicalResult declare(Value value, Expression expression);
  void assign(StringRef name, Value value, bool mayAccumulate);
  /// Names every pending expression that reads memory, because what follows
  /// may write it.
  LogicalResult nameReads();

  // Statements.
  LogicalResult printBlock(Block &block);
  LogicalResult printOp(Operation &op);
  LogicalResult printBarrier(gpu::BarrierOp op);
  LogicalResult printShuffle(gpu::ShuffleOp op);
  LogicalResult printFor(scf::ForOp op);
  LogicalResult printIf(scf::IfOp op);
  LogicalResult printWhile(scf::WhileOp op);
  LogicalResult printCall(func::CallOp op);
  LogicalResult printReturn(func::ReturnOp op);
  LogicalResult printAlloca(memref::AllocaOp op);
  LogicalResult printReinterpretCast(memref::ReinterpretCastOp op);
  LogicalResult printStore(Operation *op, Value memref, ValueRange indices,
                           Value value);
  LogicalResult printValue(Operation &op);

  LogicalResult declareResults(Operation *op, ValueRange results,
                               ValueRange inits = {});
  LogicalResult assignAll(ArrayRef<std::string> names, ValueRange values);
  std::string element(Value memref, ValueRange indices);
  std::string address(Value memref, ValueRange indices);
  std::string position(const View &view, ValueRange indices);
  FailureOr<Expression> vectorExpression(Operation &op);
  bool isPlainTransfer(Operation *op, Value source, VectorType type,
                       AffineMap map, bool hasMask, ArrayAttr inBounds);

  func::FuncOp function;
  ScalarPrinter scalars;
  std::string body;
  unsigned depth = 0;
  std::string lastSource;
  bool synchronizes = false;
  llvm::StringSet<> names;
  DenseMap<Value, Expression> expressions;
  DenseMap<Value, View> views;
  /// Values with an expression that no statement has yet, in order.
  SmallVector<Value> pending;
};

} // namespace

//===----------------------------------------------------------------------===//
// Names and types
//===----------------------------------------------------------------------===//

std::string FunctionPrinter::uniqueName(StringRef wanted) {
  std::string stem = toCudaName(wanted), name = stem;
  for (unsigned number = 1;
       isReservedInCuda(name) || !names.insert(name).second; ++number)
    name =
        stem + (llvm::isDigit(stem.back()) ? "_" : "") + std::to_string(number);
  return name;
}

std::string FunctionPrinter::nameFor(Value value) {
  std::string wanted = nameOf(value.getLoc());
  if (Operation *op = value.getDefiningOp(); op && wanted.empty()) {
    if (auto load = dyn_cast<memref::LoadOp>(op))
      wanted = views.lookup(load.getMemRef()).base + "_value";
    else if (auto load = dyn_cast<vector::LoadOp>(op))
      wanted = views.lookup(load.getBase()).base + "_values";
    else if (auto loop = dyn_cast<scf::ForOp>(op))
      wanted = describeCarried(
          loop.getYieldedValues()[cast<OpResult>(value).getResultNumber()]);
    else
      wanted = describeOp(op);
  }
  if (wanted.empty()) {
    auto argument = dyn_cast<BlockArgument>(value);
    bool isCounter =
        argument && isa<scf::ForOp>(argument.getOwner()->getParentOp());
    wanted = isCounter ? "i" : "value";
  }
  return uniqueName(wanted);
}

/// Whether anything writes through `memref` or a view of it.
static bool isWritten(Value memref) {
  return llvm::any_of(memref.getUsers(), [&](Operation *user) {
    if (isa<memref::LoadOp, vector::LoadOp, vector::TransferReadOp>(user))
      return false;
    if (isa<memref::ReinterpretCastOp, memref::CastOp>(user))
      return isWritten(user->getResult(0));
    return true;
  });
}

std::string FunctionPrinter::pointerType(BlockArgument argument) {
  Type element = cast<MemRefType>(argument.getType()).getElementType();
  return (isWritten(argument) ? "" : "const ") +
         scalars.typeName(element).value_or("void") + " *";
}

CudaKernel::Buffer FunctionPrinter::describeBuffer(BlockArgument argument) {
  CudaKernel::Buffer buffer;
  unsigned number = argument.getArgNumber();
  auto given = function.getArgAttrOfType<StringAttr>(number, "nnc.name");
  std::string wanted = given ? given.str() : nameOf(argument.getLoc());
  if (wanted.empty())
    wanted = isWritten(argument) ? "y" : "x";
  buffer.name = uniqueName(wanted);
  buffer.type = pointerType(argument);
  Type element = cast<MemRefType>(argument.getType()).getElementType();
  buffer.elementBytes = (element.getIntOrFloatBitWidth() + 7) / 8;
  buffer.elements = elementsOf(function, number);
  buffer.isFloat = isa<FloatType>(element);
  buffer.isFresh = bool(function.getArgAttr(number, "nnc.fresh"));
  return buffer;
}

FailureOr<std::string> FunctionPrinter::typeOf(Value value) {
  if (std::optional<std::string> name = scalars.typeName(value.getType()))
    return *name;
  return emitError(value.getLoc())
         << "the type " << value.getType() << " has no form in CUDA C++";
}

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

void FunctionPrinter::line(const Twine &text) {
  body.append(2 * depth, ' ');
  body += text.str();
  body += '\n';
}

void FunctionPrinter::open(const Twine &text) {
  line(text + " {");
  ++depth;
}

void FunctionPrinter::close() {
  --depth;
  line("}");
}

/// Says where in the model the next statement comes from, where that is not
/// where the last came from.
void FunctionPrinter::noteSource(Operation *op) {
  std::string source = describeSource(op->getLoc());
  if (source.empty() || source == lastSource)
    return;
  line("// " + source);
  lastSource = source;
}

void FunctionPrinter::printSignature(StringRef head,
                                     ArrayRef<std::string> parameters) {
  std::string whole = (head + "(" + llvm::join(parameters, ", ") + ")").str();
  if (whole.size() <= kMaxLineLength)
    return open(whole);
  line(head + "(");
  for (const std::string &parameter : parameters)
    line("    " + parameter + (&parameter == &parameters.back() ? ") {" : ","));
  ++depth;
}

FailureOr<CudaKernel> FunctionPrinter::printKernel(int64_t threads) {
  CudaKernel kernel;
  kernel.name = function.getName().str();
  kernel.threads = threads;
  kernel.blocks = toExtent(function->getAttr("nnc.blocks"));
  Block &entry = function.getBody().front();
  SmallVector<std::string> parameters;
  for (BlockArgument argument : entry.getArguments().drop_back()) {
    kernel.buffers.push_back(describeBuffer(argument));
    const CudaKernel::Buffer &buffer = kernel.buffers.back();
    View view;
    view.base = buffer.name;
    views[argument] = view;
    parameters.push_back(buffer.type + buffer.name);
  }
  // 64 bits in every signature; the index type in the body.
  BlockArgument batch = entry.getArguments().back();
  bool isConverted = scalars.hasNarrowIndices && !batch.use_empty();
  std::string parameter = uniqueName(isConverted ? "samples" : "batch");
  parameters.push_back("i64 " + parameter);
  printSignature("extern \"C\" __global__ void __launch_bounds__(" +
                     std::to_string(threads) + ") " + kernel.name,
                 parameters);
  std::string name = isConverted ? uniqueName("batch") : parameter;
  if (isConverted)
    line("i32 " + name + " = i32(" + parameter + ");");
  define(batch, {name});
  if (failed(printBlock(entry)))
    return failure();
  close();
  kernel.text = body;
  kernel.synchronizes = synchronizes;
  return kernel;
}

FailureOr<std::string> FunctionPrinter::printHelper() {
  Block &entry = function.getBody().front();
  SmallVector<std::string> parameters;
  for (BlockArgument argument : entry.getArguments()) {
    if (isa<MemRefType>(argument.getType())) {
      CudaKernel::Buffer buffer = describeBuffer(argument);
      View view;
      view.base = buffer.name;
      views[argument] = view;
      parameters.push_back(buffer.type + buffer.name);
      continue;
    }
    FailureOr<std::string> type = typeOf(argument);
    if (failed(type))
      return failure();
    std::string name = nameFor(argument);
    define(argument, {name});
    parameters.push_back(*type + " " + name);
  }
  if (function.getNumResults() > 1)
    return function.emitOpError("has several results, which has no form in "
                                "CUDA C++"),
           failure();
  std::string result = "void";
  if (function.getNumResults() == 1)
    result = scalars.typeName(function.getResultTypes()[0]).value_or("void");
  printSignature("static __device__ " + result + " " + function.getName().str(),
                 parameters);
  if (failed(printBlock(entry)))
    return failure();
  close();
  return body;
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

/// A pending expression is used once, here.
Expression FunctionPrinter::use(Value value) {
  if (auto *found = llvm::find(pending, value); found != pending.end())
    pending.erase(found);
  return expressions.lookup(value);
}

std::string FunctionPrinter::text(Value value, int precedence) {
  return use(value).inside(precedence);
}

/// Whether an expression stands where its value is used: once, and in the same
/// block, so that it is computed as often as it was.
bool FunctionPrinter::isInlined(Operation *op) {
  if (op->getNumResults() != 1 || !op->getResult(0).hasOneUse())
    return false;
  if (!nameOf(op->getLoc()).empty())
    return false;
  Operation *user = *op->getResult(0).getUsers().begin();
  return user->getBlock() == op->getBlock() &&
         !isa<scf::ForOp, scf::WhileOp>(user);
}

void FunctionPrinter::define(Value value, Expression expression) {
  expressions[value] = std::move(expression);
}

LogicalResult FunctionPrinter::declare(Value value, Expression expression) {
  FailureOr<std::string> type = typeOf(value);
  if (failed(type))
    return failure();
  std::string name = nameFor(value);
  if (Operation *op = value.getDefiningOp())
    noteSource(op);
  line(*type + " " + name + " = " + expression.text + ";");
  define(value, {name});
  return success();
}

LogicalResult FunctionPrinter::nameReads() {
  SmallVector<Value> reads;
  llvm::copy_if(pending, std::back_inserter(reads), [&](Value value) {
    return expressions.lookup(value).readsMemory;
  });
  for (Value value : reads)
    if (failed(declare(value, use(value))))
      return failure();
  return success();
}

/// `name = value`, or `name += rest` where the value is `name + rest`.
void FunctionPrinter::assign(StringRef name, Value value, bool mayAccumulate) {
  Expression expression = use(value);
  if (expression.text == name)
    return;
  StringRef rest = expression.text;
  // The rest of a sum after its first operand is one operand only where the
  // sum is the whole of the expression.
  if (mayAccumulate && expression.isSumOf == name &&
      rest.consume_front((name + " + ").str()))
    line(name + " += " + rest + ";");
  else
    line(name + " = " + expression.text + ";");
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

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
        views[op.getResult()] = views.lookup(op.getSource());
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
    std::string expression = expressions.lookup(value).text;
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

static SmallVector<std::string>
namesOf(const DenseMap<Value, Expression> &expressions, ValueRange values) {
  return llvm::map_to_vector(
      values, [&](Value value) { return expressions.lookup(value).text; });
}

LogicalResult FunctionPrinter::printFor(scf::ForOp op) {
  noteSource(op);
  if (failed(declareResults(op, op.getResults(), op.getInitArgs())))
    return failure();
  for (auto [result, carried] :
       llvm::zip(op.getResults(), op.getRegionIterArgs()))
    define(carried, {expressions.lookup(result).text});
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
  std::string next = step == "1" ? "++" + counter : counter + " += " + step;
  open("for (" + *type + " " + counter + " = " + lower + "; " + counter +
       " < " + upper + "; " + next + ")");
  if (failed(printBlock(*op.getBody())) ||
      failed(assignAll(namesOf(expressions, op.getResults()),
                       op.getYieldedValues())))
    return failure();
  close();
  return success();
}

LogicalResult FunctionPrinter::printIf(scf::IfOp op) {
  noteSource(op);
  std::string condition = text(op.getCondition());
  if (failed(nameReads()) || failed(declareResults(op, op.getResults())))
    return failure();
  SmallVector<std::string> results = namesOf(expressions, op.getResults());
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
  SmallVector<std::string> carried =
      namesOf(expressions, op.getBeforeArguments());
  SmallVector<std::string> results = namesOf(expressions, op.getResults());
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
                            ? views.lookup(operand).base
                            : text(operand));
  std::string call =
      (op.getCallee() + "(" + llvm::join(arguments, ", ") + ")").str();
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

LogicalResult FunctionPrinter::printAlloca(memref::AllocaOp op) {
  MemRefType type = op.getType();
  std::optional<std::string> element = scalars.typeName(type.getElementType());
  if (!type.hasStaticShape() || !element)
    return op.emitOpError("of the type ") << type << " has no form in CUDA C++";
  auto space = dyn_cast_or_null<gpu::AddressSpaceAttr>(type.getMemorySpace());
  bool isShared =
      space && space.getValue() == gpu::GPUDialect::getWorkgroupAddressSpace();
  std::string wanted = nameOf(op.getLoc());
  View view;
  view.base = uniqueName(!wanted.empty() ? wanted
                         : isShared      ? "shared"
                                         : "local");
  view.isArray = true;
  std::string sizes;
  for (int64_t size : type.getShape())
    sizes += "[" + std::to_string(size) + "]";
  // Vectors are read from and written to it.
  line("alignas(16) " + std::string(isShared ? "__shared__ " : "") + *element +
       " " + view.base + (type.getRank() ? sizes : "[1]") + ";");
  views[op.getResult()] = view;
  return success();
}

LogicalResult
FunctionPrinter::printReinterpretCast(memref::ReinterpretCastOp op) {
  View view = views.lookup(op.getSource());
  if (view.isArray || !view.strides.empty())
    return op.emitOpError("of another view has no form in CUDA C++");
  view.offset = op.getMixedOffsets().front();
  view.strides = op.getMixedStrides();
  views[op.getResult()] = view;
  return success();
}

/// The number of an element, from the start of the buffer.
std::string FunctionPrinter::position(const View &view, ValueRange indices) {
  if (view.strides.empty())
    return indices.empty() ? "0" : text(indices[0]);
  std::string sum;
  auto add = [&](const std::string &term) {
    sum += (sum.empty() ? "" : " + ") + term;
  };
  auto print = [&](OpFoldResult value) {
    if (auto constant = getConstantIntValue(value))
      return std::to_string(*constant);
    return expressions.lookup(cast<Value>(value)).inside(Multiplicative);
  };
  if (!isConstantIntValue(view.offset, 0))
    add(print(view.offset));
  for (auto [index, stride] : llvm::zip(indices, view.strides)) {
    if (isConstantIntValue(stride, 1))
      add(text(index, Additive + 1));
    else
      add(text(index, Multiplicative) + " * " + print(stride));
  }
  return sum.empty() ? "0" : sum;
}

std::string FunctionPrinter::element(Value memref, ValueRange indices) {
  View view = views.lookup(memref);
  if (!view.isArray)
    return view.base + "[" + position(view, indices) + "]";
  std::string result = view.base;
  for (Value index : indices)
    result += "[" + text(index) + "]";
  return indices.empty() ? result + "[0]" : result;
}

std::string FunctionPrinter::address(Value memref, ValueRange indices) {
  View view = views.lookup(memref);
  if (view.isArray)
    return "&" + element(memref, indices);
  std::string offset = position(view, indices);
  return offset == "0" ? view.base : view.base + " + " + offset;
}

LogicalResult FunctionPrinter::printStore(Operation *op, Value memref,
                                          ValueRange indices, Value value) {
  std::string stored = text(value);
  std::string statement =
      isa<VectorType>(value.getType())
          ? "store(" + address(memref, indices) + ", " + stored + ");"
          : element(memref, indices) + " = " + stored + ";";
  if (failed(nameReads()))
    return failure();
  noteSource(op);
  line(statement);
  return success();
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

bool FunctionPrinter::isPlainTransfer(Operation *op, Value source,
                                      VectorType type, AffineMap map,
                                      bool hasMask, ArrayAttr inBounds) {
  bool isInBounds = llvm::all_of(inBounds, [](Attribute attribute) {
    return cast<BoolAttr>(attribute).getValue();
  });
  if (type.getRank() == 1 && map.isMinorIdentity() && !hasMask && isInBounds)
    return true;
  op->emitOpError("other than of consecutive elements within bounds has no "
                  "form in CUDA C++");
  return false;
}

/// Of a load, and of operations on vectors as such.
FailureOr<Expression> FunctionPrinter::vectorExpression(Operation &op) {
  using Result = FailureOr<Expression>;
  auto loadOf = [&](Value memref, ValueRange indices, Value result) -> Result {
    FailureOr<std::string> type = typeOf(result);
    if (failed(type))
      return failure();
    return Expression{"load<" + *type + ">(" + address(memref, indices) + ")",
                      Primary, /*readsMemory=*/true};
  };
  auto convert = [&](Value from, Value to) -> Result {
    FailureOr<std::string> type = typeOf(to);
    if (failed(type))
      return failure();
    Expression operand = use(from);
    return Expression{*type + "(" + operand.text + ")", Primary,
                      operand.readsMemory};
  };
  return llvm::TypeSwitch<Operation *, Result>(&op)
      .Case([&](memref::LoadOp load) -> Result {
        return Expression{element(load.getMemRef(), load.getIndices()), Primary,
                          /*readsMemory=*/true};
      })
      .Case([&](vector::LoadOp load) {
        return loadOf(load.getBase(), load.getIndices(), load.getResult());
      })
      .Case([&](vector::TransferReadOp load) -> Result {
        if (!isPlainTransfer(load, load.getBase(), load.getVectorType(),
                             load.getPermutationMap(), bool(load.getMask()),
                             load.getInBounds()))
          return failure();
        return loadOf(load.getBase(), load.getIndices(), load.getResult());
      })
      .Case([&](vector::BroadcastOp splat) -> Result {
        if (isa<VectorType>(splat.getSource().getType()))
          return splat.emitOpError("of a vector has no form in CUDA C++");
        return convert(splat.getSource(), splat.getVector());
      })
      .Case([&](vector::ExtractOp extract) -> Result {
        SmallVector<OpFoldResult> at = extract.getMixedPosition();
        if (at.size() != 1)
          return extract.emitOpError("other than of one element has no form in "
                                     "CUDA C++");
        std::string lane = isa<Value>(at[0])
                               ? text(cast<Value>(at[0]))
                               : std::to_string(*getConstantIntValue(at[0]));
        Expression source = use(extract.getSource());
        return Expression{source.inside(Primary) + "[" + lane + "]", Primary,
                          source.readsMemory};
      })
      .Case([&](vector::FromElementsOp build) -> Result {
        FailureOr<std::string> type = typeOf(build.getResult());
        if (failed(type))
          return failure();
        SmallVector<std::string> lanes;
        bool readsMemory = false;
        for (Value lane : build.getElements()) {
          Expression expression = use(lane);
          readsMemory |= expression.readsMemory;
          lanes.push_back(expression.text);
        }
        return Expression{*type + "{{" + llvm::join(lanes, ", ") + "}}",
                          Primary, readsMemory};
      })
      .Default([&](Operation *op) -> Result {
        return op->emitOpError("has no form in CUDA C++");
      });
}

/// Names that cost nothing to repeat.
static bool isTrivial(Operation &op, const Expression &expression) {
  if (op.hasTrait<OpTrait::ConstantLike>())
    return true;
  return isa<arith::IndexCastOp, arith::IndexCastUIOp>(op) &&
         expression.text.size() < 24 && !expression.readsMemory;
}

LogicalResult FunctionPrinter::printValue(Operation &op) {
  // Two results, or several: statements of their own.
  if (auto elements = dyn_cast<vector::ToElementsOp>(op)) {
    std::string source = text(elements.getSource(), Primary);
    for (auto [i, result] : llvm::enumerate(elements.getResults()))
      define(result, {source + "[" + std::to_string(i) + "]"});
    return success();
  }
  if (auto insert = dyn_cast<vector::InsertOp>(op)) {
    auto at = insert.getMixedPosition();
    if (at.size() != 1)
      return op.emitOpError("other than of one element has no form in CUDA "
                            "C++");
    std::string lane = isa<Value>(at[0])
                           ? text(cast<Value>(at[0]))
                           : std::to_string(*getConstantIntValue(at[0]));
    std::string value = text(insert.getValueToStore());
    if (failed(declare(insert.getResult(), use(insert.getDest()))))
      return failure();
    line(expressions.lookup(insert.getResult()).text + "[" + lane +
         "] = " + value + ";");
    return success();
  }
  if (auto product = dyn_cast<arith::MulUIExtendedOp>(op)) {
    std::string lhs = text(product.getLhs(), Primary),
                rhs = text(product.getRhs(), Unary);
    if (!product.getLhs().getType().isInteger(32))
      return op.emitOpError("of other types than i32 has no form in CUDA C++");
    std::string name = uniqueName("product");
    line("u64 " + name + " = u64(" + lhs + ") * " + rhs + ";");
    define(product.getLow(), {"u32(" + name + ")"});
    define(product.getHigh(), {"u32(" + name + " >> 32)"});
    return success();
  }
  if (op.getNumResults() != 1)
    return op.emitOpError("has no form in CUDA C++");

  FailureOr<Expression> expression =
      scalars.print(op, [&](Value operand, int precedence) {
        Expression used = use(operand);
        used.text = used.inside(precedence);
        return used;
      });
  if (failed(expression))
    expression = vectorExpression(op);
  if (failed(expression))
    return failure();
  Value result = op.getResult(0);
  if (isTrivial(op, *expression)) {
    define(result, *expression);
    return success();
  }
  if (result.use_empty())
    return success();
  if (!isInlined(&op) || expression->text.size() > kMaxExpressionLength)
    return declare(result, *expression);
  define(result, *expression);
  pending.push_back(result);
  return success();
}

//===----------------------------------------------------------------------===//
// The module
//===----------------------------------------------------------------------===//

static LogicalResult lowerAffine(ModuleOp phases) {
  RewritePatternSet patterns(phases.getContext());
  affine::populateAffineExpandIndexOpsPatterns(patterns);
  populateAffineToStdConversionPatterns(patterns);
  return applyPatternsGreedily(phases, std::move(patterns));
}

FailureOr<CudaText> nnc::emitCuda(ModuleOp phases) {
  if (failed(lowerAffine(phases)))
    return failure();
  CudaText text;
  bool helpersAreNarrow = true;
  auto threadsOf = [](func::FuncOp function) -> int64_t {
    auto threads = function->getAttrOfType<IntegerAttr>("nnc.threads");
    return threads ? threads.getInt() : 0;
  };
  for (auto function : phases.getOps<func::FuncOp>())
    if (!isIdentifier(function.getName()))
      return function.emitOpError("has a name that is none in CUDA C++"),
             failure();
  for (auto function : phases.getOps<func::FuncOp>())
    if (function.isPublic())
      helpersAreNarrow &= hasNarrowIndices(function, threadsOf(function));
  for (auto function : phases.getOps<func::FuncOp>()) {
    if (!function.isPublic()) {
      FailureOr<std::string> helper =
          FunctionPrinter(function, helpersAreNarrow).printHelper();
      if (failed(helper))
        return failure();
      text.helpers += *helper + "\n";
      continue;
    }
    int64_t threads = threadsOf(function);
    if (threads <= 0)
      return function.emitOpError("has no number of threads, `nnc.threads`"),
             failure();
    FailureOr<CudaKernel> kernel =
        FunctionPrinter(function, hasNarrowIndices(function, threads))
            .printKernel(threads);
    if (failed(kernel))
      return failure();
    text.kernels.push_back(std::move(*kernel));
  }
  return text;
}

StringRef nnc::cudaPrelude() {
  static constexpr char prelude[] =
#include "codegen/cuda/prelude.cuh.inc"
      ;
  return prelude;
}

std::string nnc::printCuda(const CudaText &text) {
  std::string whole = "// After codegen/cuda/prelude.cuh.\n\n" + text.helpers;
  for (const CudaKernel &kernel : text.kernels)
    whole += kernel.text + "\n";
  return whole;
}
