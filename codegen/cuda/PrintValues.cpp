// Buffers, loads and stores, and operations that make a value.
#include "codegen/cuda/FunctionPrinter.h"

#include "codegen/cuda/CudaNames.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nnc;

/// An expression longer than this gets a name.
static constexpr size_t kMaxExpressionLength = 56;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

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
  View view = viewOf(op.getSource());
  if (view.isArray || !view.strides.empty())
    return op.emitOpError("of another view has no form in CUDA C++");
  view.offset = op.getMixedOffsets().front();
  view.strides = op.getMixedStrides();
  views[op.getResult()] = view;
  return success();
}

/// The number of an element, from the start of the buffer, as an operand of
/// what binds as tightly as `precedence`, at most as a sum does.
std::string FunctionPrinter::position(const View &view, ValueRange indices,
                                      int precedence) {
  if (view.strides.empty())
    return indices.empty() ? "0" : text(indices[0], precedence);
  std::string sum;
  auto add = [&](const std::string &term) {
    sum += (sum.empty() ? "" : " + ") + term;
  };
  auto print = [&](OpFoldResult value) {
    if (auto constant = getConstantIntValue(value))
      return std::to_string(*constant);
    return expressionOf(cast<Value>(value)).inside(Multiplicative);
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
  View view = viewOf(memref);
  if (!view.isArray)
    return view.base + "[" + position(view, indices) + "]";
  std::string result = view.base;
  for (Value index : indices)
    result += "[" + text(index) + "]";
  return indices.empty() ? result + "[0]" : result;
}

std::string FunctionPrinter::address(Value memref, ValueRange indices) {
  View view = viewOf(memref);
  if (view.isArray)
    return "&" + element(memref, indices);
  std::string offset = position(view, indices, Additive);
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

FailureOr<Expression>
FunctionPrinter::loadVector(Value memref, ValueRange indices, Value result) {
  FailureOr<std::string> type = typeOf(result);
  if (failed(type))
    return failure();
  return Expression{"load<" + *type + ">(" + address(memref, indices) + ")",
                    Primary, /*readsMemory=*/true};
}

FailureOr<Expression> FunctionPrinter::splat(vector::BroadcastOp op) {
  if (isa<VectorType>(op.getSource().getType()))
    return op.emitOpError("of a vector has no form in CUDA C++");
  FailureOr<std::string> type = typeOf(op.getVector());
  if (failed(type))
    return failure();
  Expression operand = use(op.getSource());
  return Expression{*type + "(" + operand.text + ")", Primary,
                    operand.readsMemory};
}

FailureOr<std::string> FunctionPrinter::lane(Operation *op,
                                             ArrayRef<OpFoldResult> position) {
  if (position.size() != 1)
    return op->emitOpError("other than of one element has no form in CUDA C++");
  if (auto value = dyn_cast<Value>(position[0]))
    return text(value);
  return std::to_string(*getConstantIntValue(position[0]));
}

FailureOr<Expression> FunctionPrinter::extract(vector::ExtractOp op) {
  FailureOr<std::string> number = lane(op, op.getMixedPosition());
  if (failed(number))
    return failure();
  Expression source = use(op.getSource());
  return Expression{source.inside(Primary) + "[" + *number + "]", Primary,
                    source.readsMemory};
}

FailureOr<Expression> FunctionPrinter::collect(vector::FromElementsOp op) {
  FailureOr<std::string> type = typeOf(op.getResult());
  if (failed(type))
    return failure();
  SmallVector<std::string> lanes;
  bool readsMemory = false;
  for (Value element : op.getElements()) {
    Expression expression = use(element);
    readsMemory |= expression.readsMemory;
    lanes.push_back(expression.text);
  }
  return Expression{*type + "{{" + llvm::join(lanes, ", ") + "}}", Primary,
                    readsMemory};
}

/// Of a load, and of operations on vectors as such.
FailureOr<Expression> FunctionPrinter::vectorExpression(Operation &op) {
  using Result = FailureOr<Expression>;
  return llvm::TypeSwitch<Operation *, Result>(&op)
      .Case([&](memref::LoadOp load) -> Result {
        return Expression{element(load.getMemRef(), load.getIndices()), Primary,
                          /*readsMemory=*/true};
      })
      .Case([&](vector::LoadOp load) {
        return loadVector(load.getBase(), load.getIndices(), load.getResult());
      })
      .Case([&](vector::TransferReadOp load) -> Result {
        if (!isPlainTransfer(load, load.getBase(), load.getVectorType(),
                             load.getPermutationMap(), bool(load.getMask()),
                             load.getInBounds()))
          return failure();
        return loadVector(load.getBase(), load.getIndices(), load.getResult());
      })
      .Case([&](vector::BroadcastOp op) { return splat(op); })
      .Case([&](vector::ExtractOp op) { return extract(op); })
      .Case([&](vector::FromElementsOp op) { return collect(op); })
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
    FailureOr<std::string> number = lane(insert, insert.getMixedPosition());
    if (failed(number))
      return failure();
    std::string value = text(insert.getValueToStore());
    if (failed(declare(insert.getResult(), use(insert.getDest()))))
      return failure();
    line(expressionOf(insert.getResult()).text + "[" + *number +
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
