// The types of C++ and what is the same for all operations: constants, scalars,
// vectors lane by lane.
#include "codegen/cuda/CudaScalars.h"

#include "codegen/cuda/CudaOperations.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

std::optional<std::string> ScalarPrinter::typeName(Type type) const {
  if (auto vector = dyn_cast<VectorType>(type)) {
    std::optional<std::string> element = typeName(vector.getElementType());
    if (!element || vector.getRank() != 1 || vector.isScalable())
      return std::nullopt;
    int64_t lanes = vector.getNumElements();
    // The prelude has short names for what memory is accessed by.
    unsigned bits = vector.getElementType().isIndex()
                        ? 0
                        : vector.getElementTypeBitWidth() * lanes;
    bool isNamed = vector.getElementType().isFloat() &&
                   (bits == 32 || bits == 64 || bits == 128) && lanes <= 8 &&
                   lanes > 1;
    if (isNamed)
      return *element + "x" + std::to_string(lanes);
    return "vec<" + *element + ", " + std::to_string(lanes) + ">";
  }
  if (type.isIndex())
    return hasNarrowIndices ? "i32" : "i64";
  if (type.isInteger(1))
    return "bool";
  if (type.isF32() || type.isF64() || type.isF16())
    return "f" + std::to_string(type.getIntOrFloatBitWidth());
  if (type.isBF16())
    return "bf16";
  for (unsigned width : {8, 16, 32, 64})
    if (type.isInteger(width))
      return "u" + std::to_string(width);
  return std::nullopt;
}

std::string ScalarPrinter::signedName(Type type) const {
  if (type.isIndex())
    return hasNarrowIndices ? "i32" : "i64";
  return "i" + std::to_string(type.getIntOrFloatBitWidth());
}

std::string ScalarPrinter::unsignedName(Type type) const {
  return "u" + signedName(type).substr(1);
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

/// An operation on vectors as a function of a lane of each.
FailureOr<Expression> ScalarPrinter::printLanes(Operation &op, Use use) const {
  static constexpr StringRef names[] = {"a", "b", "c"};
  if (op.getNumOperands() > std::size(names))
    return failure();
  SmallVector<std::string> parameters;
  for (auto [operand, name] : llvm::zip(op.getOperands(), names)) {
    std::optional<std::string> type =
        typeName(getElementTypeOrSelf(operand.getType()));
    if (!type || !isa<VectorType>(operand.getType()))
      return failure();
    parameters.push_back(*type + " " + name.str());
  }
  // The same operand may be there twice.
  unsigned next = 0;
  FailureOr<Expression> lane =
      printOperation(op, *this, [&](Value, int) -> Expression {
        return {names[next++].str()};
      });
  if (failed(lane))
    return failure();
  Expression result;
  std::string arguments;
  for (Value operand : op.getOperands()) {
    Expression used = use(operand, 0);
    result.readsMemory |= used.readsMemory;
    arguments += ", " + used.text;
  }
  result.text = "map([](" + llvm::join(parameters, ", ") + ") { return " +
                lane->text + "; }" + arguments + ")";
  return result;
}

FailureOr<Expression> ScalarPrinter::print(Operation &op, Use use) const {
  Attribute constant;
  if (matchPattern(&op, m_Constant(&constant)))
    return printConstant(constant, op.getResult(0).getType());
  bool isVector =
      op.getNumResults() == 1 && isa<VectorType>(op.getResult(0).getType());
  if (!isVector || !op.hasTrait<OpTrait::Elementwise>())
    return isVector ? FailureOr<Expression>(failure())
                    : printOperation(op, *this, use);
  // The prelude has these of vectors too.
  Type element = getElementTypeOrSelf(op.getResult(0).getType());
  auto isAsWide = [&](Type type) {
    return isa<FloatType>(type) || type.isIndex() ||
           type.getIntOrFloatBitWidth() >= 32;
  };
  if (isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp,
          arith::NegFOp>(op) ||
      (isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op) &&
       isAsWide(element)))
    return printOperation(op, *this, use);
  // A function of lanes is a type of its own each time it is written, and
  // random bits are hundreds of operations: NVRTC takes three times as long for
  // them.
  const bool isWideInteger = element.isInteger(32) || element.isInteger(64);
  if (isWideInteger &&
      isa<arith::DivUIOp, arith::RemUIOp, arith::AndIOp, arith::OrIOp,
          arith::XOrIOp, arith::ShLIOp, arith::ShRUIOp>(op))
    return printOperation(op, *this, use);
  bool isConversion =
      isa<arith::ExtFOp, arith::TruncFOp, arith::ExtUIOp>(op) ||
      (isa<arith::TruncIOp>(op) && isWideInteger) ||
      (isa<arith::UIToFPOp>(op) && (element.isF32() || element.isF64())) ||
      (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op) &&
       getElementTypeOrSelf(op.getOperand(0).getType()).isIndex());
  if (isConversion) {
    std::optional<std::string> name = typeName(op.getResult(0).getType());
    if (!name)
      return failure();
    Expression operand = use(op.getOperand(0), 0);
    return Expression{*name + "(" + operand.text + ")", Primary,
                      operand.readsMemory};
  }
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    if (!isa<VectorType>(select.getCondition().getType()))
      return printOperation(op, *this, use);
    Expression condition = use(op.getOperand(0), 0);
    Expression onTrue = use(op.getOperand(1), 0);
    Expression onFalse = use(op.getOperand(2), 0);
    return Expression{"select(" + condition.text + ", " + onTrue.text + ", " +
                          onFalse.text + ")",
                      Primary,
                      condition.readsMemory || onTrue.readsMemory ||
                          onFalse.readsMemory};
  }
  return printLanes(op, use);
}
