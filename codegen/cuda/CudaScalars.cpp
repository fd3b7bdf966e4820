#include "codegen/cuda/CudaScalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

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
// Constants
//===----------------------------------------------------------------------===//

/// The shortest decimal that reads back as the same number.
static std::string shortestDecimal(double value, bool isSingle) {
  for (int digits = 1;; ++digits) {
    char text[40];
    snprintf(text, sizeof text, "%.*g", digits, value);
    double read =
        isSingle ? double(strtof(text, nullptr)) : strtod(text, nullptr);
    if (read == value || digits == 17) {
      std::string result = text;
      if (result.find_first_of(".e") == std::string::npos)
        result += ".0";
      return result;
    }
  }
}

static std::string hexOfBits(const APFloat &value) {
  APInt bits = value.bitcastToAPInt();
  return "0x" + llvm::utohexstr(bits.getZExtValue(), /*LowerCase=*/true) +
         (bits.getBitWidth() > 32 ? "ull" : "u");
}

static Expression printFloat(const APFloat &value, Type type,
                             const std::string &typeName) {
  bool is16Bit = type.getIntOrFloatBitWidth() == 16;
  if (value.isNaN()) {
    std::string bits = hexOfBits(value);
    if (is16Bit)
      return {typeName + "(bits_as<f32>(0x7fc00000u))"};
    return {"bits_as<" + typeName + ">(" + bits + ")"};
  }
  std::string sign = value.isNegative() ? "-" : "";
  int precedence = value.isNegative() ? Unary : Primary;
  if (value.isInfinity()) {
    if (is16Bit)
      return {typeName + "(" + sign + "infinity_f32())"};
    return {sign + "infinity_" + typeName + "()", precedence};
  }
  bool isDouble = type.isF64();
  std::string text = shortestDecimal(value.convertToDouble(), !isDouble) +
                     (isDouble ? "" : "f");
  if (is16Bit)
    return {typeName + "(" + text + ")"};
  return {text, precedence};
}

static Expression printInteger(const APInt &value, Type type,
                               const std::string &typeName) {
  Expression result;
  result.literal = value.getSExtValue();
  if (type.isIndex()) {
    result.text = std::to_string(value.getSExtValue());
    if (!value.isSignedIntN(32))
      result.text += "ll";
    if (value.isNegative())
      result.precedence = Unary;
  } else if (type.isInteger(1)) {
    result.text = value.isZero() ? "false" : "true";
    result.literal.reset();
  } else {
    result.text = std::to_string(value.getZExtValue());
    unsigned width = value.getBitWidth();
    if (width < 32)
      result.text = typeName + "(" + result.text + ")";
    else
      result.text += width == 32 ? "u" : "ull";
  }
  return result;
}

FailureOr<Expression> ScalarPrinter::printConstant(Attribute value,
                                                   Type type) const {
  std::optional<std::string> name = typeName(type);
  if (!name)
    return failure();
  if (auto number = dyn_cast<FloatAttr>(value))
    return printFloat(number.getValue(), type, *name);
  if (auto number = dyn_cast<IntegerAttr>(value))
    return printInteger(number.getValue(), type, *name);
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return failure();
  Type element = dense.getElementType();
  if (dense.isSplat()) {
    FailureOr<Expression> each =
        printConstant(dense.getSplatValue<Attribute>(), element);
    if (failed(each))
      return failure();
    // The literal of an index is an int.
    std::string value = element.isIndex() && !hasNarrowIndices
                            ? "i64(" + each->text + ")"
                            : each->text;
    return Expression{*name + "(" + value + ")"};
  }
  SmallVector<std::string> lanes;
  for (Attribute lane : dense.getValues<Attribute>()) {
    FailureOr<Expression> printed = printConstant(lane, element);
    if (failed(printed))
      return failure();
    lanes.push_back(printed->text);
  }
  return Expression{*name + "{{" + llvm::join(lanes, ", ") + "}}"};
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

namespace {

/// The operands of one operation on scalars.
struct Operands {
  Operation &op;
  ScalarPrinter::Use use;
  Expression result = {};

  Type type(unsigned i = 0) const {
    return getElementTypeOrSelf(op.getOperand(i).getType());
  }
  Expression get(unsigned i, int precedence) {
    Expression operand = use(op.getOperand(i), precedence);
    result.readsMemory |= operand.readsMemory;
    return operand;
  }
  std::string text(unsigned i, int precedence = 0) {
    return get(i, precedence).text;
  }
  Expression finish(std::string text, int precedence = Primary) {
    result.text = std::move(text);
    result.precedence = precedence;
    return result;
  }
};

} // namespace

/// Integers narrower than int would keep the bits that overflow.
static Expression wrapNarrow(Expression expression, Type type,
                             const std::string &typeName) {
  if (!type.isInteger(8) && !type.isInteger(16))
    return expression;
  expression.text = typeName + "(" + expression.text + ")";
  expression.precedence = Primary;
  return expression;
}

/// An operand of a bitwise or logical operation, of which few know how tightly
/// it binds: with parentheses unless it is the same operation, or a comparison
/// in a logical one.
static std::string bitwiseOperand(Operands &operands, unsigned i,
                                  int precedence) {
  Expression operand = operands.get(i, 0);
  bool isSame = i == 0 && operand.precedence == precedence;
  bool isLogical = precedence == LogicalOr || precedence == LogicalAnd;
  return operand.inside(isSame ? 0 : isLogical ? Equality : Unary);
}

static Expression infix(Operands &operands, StringRef symbol, int precedence) {
  bool isBitwise = precedence >= LogicalOr && precedence <= BitAnd;
  bool isShift = precedence == Shift;
  std::string lhs = isBitwise || isShift
                        ? bitwiseOperand(operands, 0, precedence)
                        : operands.text(0, precedence);
  std::string rhs;
  if (isBitwise) {
    rhs = bitwiseOperand(operands, 1, precedence);
  } else {
    // Left-associative.
    Expression operand = operands.get(1, precedence + 1);
    rhs = isShift && operand.literal ? std::to_string(*operand.literal)
                                     : operand.text;
  }
  Expression result =
      operands.finish((lhs + " " + symbol + " " + rhs).str(), precedence);
  if (symbol == "+")
    result.isSumOf = lhs;
  return result;
}

/// An operand as a signed number.
static std::string asSigned(Operands &operands, unsigned i, int precedence,
                            const std::string &signedName) {
  if (operands.type(i).isIndex())
    return operands.text(i, precedence);
  Expression operand = operands.get(i, 0);
  if (operand.literal && *operand.literal >= 0)
    return std::to_string(*operand.literal);
  if (!operand.asSigned.empty())
    return operand.asSigned;
  return signedName + "(" + operand.text + ")";
}

static std::string asUnsigned(Operands &operands, unsigned i, int precedence,
                              const std::string &unsignedName) {
  if (!operands.type(i).isIndex())
    return operands.text(i, precedence);
  return unsignedName + "(" + operands.text(i) + ")";
}

static std::pair<StringRef, int> infixOf(Operation &op) {
  bool isBool = op.getNumOperands() &&
                getElementTypeOrSelf(op.getOperand(0).getType()).isInteger(1);
  using Row = std::pair<StringRef, int>;
  if (isBool)
    return llvm::TypeSwitch<Operation *, Row>(&op)
        .Case<arith::AndIOp, arith::MulIOp, arith::MinUIOp, arith::MaxSIOp>(
            [](auto) { return Row("&&", LogicalAnd); })
        .Case<arith::OrIOp, arith::MaxUIOp, arith::MinSIOp>(
            [](auto) { return Row("||", LogicalOr); })
        .Case<arith::XOrIOp, arith::AddIOp, arith::SubIOp>(
            [](auto) { return Row("!=", Equality); })
        .Default([](auto) { return Row("", 0); });
  return llvm::TypeSwitch<Operation *, Row>(&op)
      .Case<arith::AddFOp, arith::AddIOp>(
          [](auto) { return Row("+", Additive); })
      .Case<arith::SubFOp, arith::SubIOp>(
          [](auto) { return Row("-", Additive); })
      .Case<arith::MulFOp, arith::MulIOp>(
          [](auto) { return Row("*", Multiplicative); })
      .Case<arith::DivFOp, arith::DivUIOp>(
          [](auto) { return Row("/", Multiplicative); })
      .Case<arith::RemUIOp>([](auto) { return Row("%", Multiplicative); })
      .Case<arith::AndIOp>([](auto) { return Row("&", BitAnd); })
      .Case<arith::OrIOp>([](auto) { return Row("|", BitOr); })
      .Case<arith::XOrIOp>([](auto) { return Row("^", BitXor); })
      .Case<arith::ShLIOp>([](auto) { return Row("<<", Shift); })
      .Case<arith::ShRUIOp>([](auto) { return Row(">>", Shift); })
      .Default([](auto) { return Row("", 0); });
}

/// Whether an index cannot be negative, as far as a short look tells.
static bool isNonNegative(Value value, unsigned depth = 6) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.isNonNegative();
  Operation *op = value.getDefiningOp();
  // The batch, and counters of loops that begin at such an index.
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    if (loop && argument == loop.getInductionVar())
      return depth > 0 && isNonNegative(loop.getLowerBound(), depth - 1);
    return isa<func::FuncOp>(argument.getOwner()->getParentOp());
  }
  if (isa<gpu::BlockIdOp, gpu::ThreadIdOp, arith::DivUIOp, arith::RemUIOp,
          arith::ShRUIOp>(op))
    return true;
  if (!isa<arith::AddIOp, arith::MulIOp, arith::MinUIOp, arith::MinSIOp,
           arith::MaxUIOp, arith::DivSIOp, arith::RemSIOp, arith::AndIOp>(op))
    return false;
  return depth > 0 && llvm::all_of(op->getOperands(), [&](Value operand) {
           return isNonNegative(operand, depth - 1);
         });
}

static Expression printCmpI(arith::CmpIOp op, Operands &operands,
                            const std::string &signedName,
                            const std::string &unsignedName) {
  using P = arith::CmpIPredicate;
  P predicate = op.getPredicate();
  if (predicate == P::eq)
    return infix(operands, "==", Equality);
  if (predicate == P::ne)
    return infix(operands, "!=", Equality);
  StringRef symbol =
      llvm::StringSwitch<StringRef>(arith::stringifyCmpIPredicate(predicate))
          .Cases({"slt", "ult"}, "<")
          .Cases({"sle", "ule"}, "<=")
          .Cases({"sgt", "ugt"}, ">")
          .Default(">=");
  bool isSigned = predicate == P::slt || predicate == P::sle ||
                  predicate == P::sgt || predicate == P::sge ||
                  (op.getLhs().getType().isIndex() &&
                   isNonNegative(op.getLhs()) && isNonNegative(op.getRhs()));
  auto print = [&](unsigned i) {
    return isSigned ? asSigned(operands, i, Relational + 1, signedName)
                    : asUnsigned(operands, i, Relational + 1, unsignedName);
  };
  std::string lhs = print(0), rhs = print(1);
  return operands.finish((lhs + " " + symbol + " " + rhs).str(), Relational);
}

static Expression printCmpF(arith::CmpFOp op, Operands &operands) {
  using P = arith::CmpFPredicate;
  auto call = [&](StringRef name) {
    std::string lhs = operands.text(0), rhs = operands.text(1);
    return (name + "(" + lhs + ", " + rhs + ")").str();
  };
  // True where the operands are unordered: the opposite is false.
  auto unless = [&](StringRef opposite) {
    Expression comparison = infix(operands, opposite, Relational);
    return operands.finish("!(" + comparison.text + ")", Unary);
  };
  switch (op.getPredicate()) {
  case P::OEQ:
    return infix(operands, "==", Equality);
  case P::UNE:
    return infix(operands, "!=", Equality);
  case P::OLT:
    return infix(operands, "<", Relational);
  case P::OLE:
    return infix(operands, "<=", Relational);
  case P::OGT:
    return infix(operands, ">", Relational);
  case P::OGE:
    return infix(operands, ">=", Relational);
  case P::ULT:
    return unless(">=");
  case P::ULE:
    return unless(">");
  case P::UGT:
    return unless("<=");
  case P::UGE:
    return unless("<");
  case P::ONE:
    return operands.finish(call("is_less_or_greater"));
  case P::UEQ:
    return operands.finish("!" + call("is_less_or_greater"), Unary);
  case P::ORD:
    return operands.finish(call("is_ordered"));
  case P::UNO:
    return operands.finish("!" + call("is_ordered"), Unary);
  case P::AlwaysFalse:
    return operands.finish("false");
  case P::AlwaysTrue:
    return operands.finish("true");
  }
  return {};
}

bool nnc::isMathFunction(StringRef name) {
  static const llvm::StringSet<> functions = {
      "acos",  "acosh", "asin", "asinh", "atan", "atan2", "atanh",    "cbrt",
      "ceil",  "cos",   "cosh", "erf",   "erfc", "exp",   "exp2",     "expm1",
      "fabs",  "floor", "fma",  "fmax",  "fmin", "fmod",  "copysign", "log",
      "log10", "log1p", "log2", "pow",   "rint", "round", "rsqrt",    "sin",
      "sinh",  "sqrt",  "tan",  "tanh",  "trunc"};
  return functions.contains(name);
}

/// The C function's name in f64; f32 has an f at its end.
static StringRef mathFunction(Operation &op) {
  StringRef name = op.getName().getStringRef();
  if (name == "arith.maxnumf")
    return "fmax";
  if (name == "arith.minnumf")
    return "fmin";
  if (name == "arith.remf")
    return "fmod";
  if (!name.consume_front("math."))
    return "";
  return llvm::StringSwitch<StringRef>(name)
      .Case("absf", "fabs")
      .Case("powf", "pow")
      .Case("roundeven", "rint")
      .Default(isMathFunction(name) ? name : "");
}

static Expression printMath(StringRef function, Operands &operands,
                            const std::string &typeName) {
  Type type = operands.type();
  bool is16Bit = type.getIntOrFloatBitWidth() == 16;
  SmallVector<std::string> arguments;
  for (unsigned i = 0; i < operands.op.getNumOperands(); ++i)
    arguments.push_back(is16Bit ? "f32(" + operands.text(i) + ")"
                                : operands.text(i));
  std::string call = (function + (type.isF64() ? "" : "f") + "(" +
                      llvm::join(arguments, ", ") + ")")
                         .str();
  return operands.finish(is16Bit ? typeName + "(" + call + ")" : call);
}

FailureOr<Expression> ScalarPrinter::printScalar(Operation &op, Use use) const {
  Operands operands{op, use};
  if (op.getNumResults() != 1)
    return failure();
  Type resultType = getElementTypeOrSelf(op.getResult(0).getType());
  std::optional<std::string> name = typeName(resultType);
  if (!name)
    return failure();
  Type operandType = op.getNumOperands() ? operands.type() : resultType;
  // Not for every op: what is no integer has none.
  auto signedOf = [&] { return signedName(operandType); };
  auto convert = [&](StringRef to) {
    return operands.finish((to + "(" + operands.text(0) + ")").str());
  };
  /// Between integers and 16-bit floats by way of f32.
  auto viaSingle = [&](std::string value) {
    bool is16Bit =
        isa<FloatType>(resultType) && resultType.getIntOrFloatBitWidth() == 16;
    return operands.finish(is16Bit ? *name + "(f32(" + value + "))"
                                   : *name + "(" + value + ")");
  };
  /// Signed arithmetic on numbers that are stored unsigned.
  auto unsignedAgain = [&](std::string value, int precedence) {
    if (resultType.isIndex())
      return operands.finish(value, precedence);
    return operands.finish(*name + "(" + value + ")");
  };
  auto signedInfix = [&](StringRef symbol, int precedence) {
    std::string lhs = asSigned(operands, 0, precedence, signedOf());
    std::string rhs = asSigned(operands, 1, precedence + 1, signedOf());
    return unsignedAgain((lhs + " " + symbol + " " + rhs).str(), precedence);
  };
  auto call = [&](StringRef function, bool isSigned) {
    // A literal alone is an int, whatever the other operand is.
    auto print = [&](unsigned i) {
      Expression operand = operands.get(i, 0);
      if (!isa<IndexType, IntegerType>(operandType))
        return operand.text;
      std::string type = isSigned || operandType.isIndex()
                             ? signedOf()
                             : unsignedName(operandType);
      if (operandType.isIndex() && (hasNarrowIndices || !operand.literal))
        return operand.text;
      if (!isSigned && !operand.literal)
        return operand.text;
      return type + "(" + operand.text + ")";
    };
    std::string arguments = print(0);
    for (unsigned i = 1; i < op.getNumOperands(); ++i)
      arguments += ", " + print(i);
    std::string text = (function + "(" + arguments + ")").str();
    return isSigned ? unsignedAgain(text, Primary) : operands.finish(text);
  };

  if (StringRef function = mathFunction(op); !function.empty())
    return printMath(function, operands, *name);
  if (auto xorOp = dyn_cast<arith::XOrIOp>(op);
      xorOp && resultType.isInteger(1) &&
      matchPattern(xorOp.getRhs(), m_NonZero()))
    return operands.finish("!" + operands.text(0, Unary), Unary);
  if (auto [symbol, precedence] = infixOf(op); !symbol.empty())
    return wrapNarrow(infix(operands, symbol, precedence), resultType, *name);

  using Result = FailureOr<Expression>;
  return llvm::TypeSwitch<Operation *, Result>(&op)
      .Case([&](arith::NegFOp) {
        std::string operand = operands.text(0, Unary);
        // Not a decrement.
        if (operand[0] == '-')
          operand = "(" + operand + ")";
        return operands.finish("-" + operand, Unary);
      })
      .Case([&](arith::DivSIOp) { return signedInfix("/", Multiplicative); })
      .Case([&](arith::RemSIOp) { return signedInfix("%", Multiplicative); })
      .Case([&](arith::ShRSIOp) { return signedInfix(">>", Shift); })
      .Case([&](arith::FloorDivSIOp) { return call("floor_divide", true); })
      .Case([&](arith::CeilDivSIOp) { return call("ceil_divide", true); })
      .Case([&](arith::CeilDivUIOp) { return call("ceil_divide", false); })
      .Case([&](arith::MinSIOp) { return call("minimum", true); })
      .Case([&](arith::MaxSIOp) { return call("maximum", true); })
      .Case<arith::MinUIOp, arith::MinimumFOp>(
          [&](auto) { return call("minimum", false); })
      .Case<arith::MaxUIOp, arith::MaximumFOp>(
          [&](auto) { return call("maximum", false); })
      .Case([&](math::AbsIOp) { return call("absolute", true); })
      .Case([&](arith::CmpIOp op) {
        return printCmpI(op, operands, signedName(operandType),
                         unsignedName(operandType));
      })
      .Case([&](arith::CmpFOp op) { return printCmpF(op, operands); })
      .Case([&](arith::SelectOp) {
        std::string condition = operands.text(0, Conditional + 1);
        std::string onTrue = operands.text(1, Conditional + 1);
        std::string onFalse = operands.text(2, Conditional + 1);
        return operands.finish(condition + " ? " + onTrue + " : " + onFalse,
                               Conditional);
      })
      .Case<arith::ExtFOp, arith::TruncFOp, arith::ExtUIOp>(
          [&](auto) { return convert(*name); })
      .Case([&](arith::TruncIOp) {
        // The lowest bit, not whether any is set.
        if (resultType.isInteger(1))
          return operands.finish("(" + operands.text(0, BitAnd) + " & 1) != 0",
                                 Equality);
        return convert(*name);
      })
      .Case([&](arith::ExtSIOp) {
        if (operandType.isInteger(1))
          return operands.finish(*name + "(-i32(" + operands.text(0) + "))");
        return operands.finish(*name + "(" +
                               asSigned(operands, 0, 0, signedOf()) + ")");
      })
      .Case([&](arith::IndexCastOp) -> Result {
        if (operandType.isInteger(1))
          return operands.finish(*name + "(-i32(" + operands.text(0) + "))");
        std::string value = asSigned(operands, 0, 0, signedOf());
        if (hasNarrowIndices && resultType.isIndex() &&
            operandType.isInteger(64))
          return operands.finish("narrow_index(" + value + ")");
        // From signed to signed of the same width.
        if (resultType.isIndex() && signedOf() == *name)
          return operands.finish(value);
        Expression result = operands.finish(*name + "(" + value + ")");
        if (operandType.isIndex())
          result.asSigned = signedName(resultType) + "(" + value + ")";
        return result;
      })
      .Case([&](arith::IndexCastUIOp) -> Result {
        return operands.finish(
            *name + "(" +
            (operandType.isInteger(1)
                 ? operands.text(0)
                 : asUnsigned(operands, 0, 0, unsignedName(operandType))) +
            ")");
      })
      .Case([&](arith::UIToFPOp) { return viaSingle(operands.text(0)); })
      .Case([&](arith::SIToFPOp) {
        if (operandType.isInteger(1))
          return viaSingle("-i32(" + operands.text(0) + ")");
        return viaSingle(asSigned(operands, 0, 0, signedOf()));
      })
      .Case([&](arith::FPToUIOp) {
        if (operandType.getIntOrFloatBitWidth() == 16)
          return operands.finish(*name + "(f32(" + operands.text(0) + "))");
        return convert(*name);
      })
      .Case([&](arith::FPToSIOp) {
        std::string value = operandType.getIntOrFloatBitWidth() == 16
                                ? "f32(" + operands.text(0) + ")"
                                : operands.text(0);
        return operands.finish(*name + "(" + signedName(resultType) + "(" +
                               value + "))");
      })
      .Case([&](arith::BitcastOp) -> Result {
        return convert("bits_as<" + *name + ">");
      })
      .Case([&](gpu::BlockIdOp) -> Result {
        return operands.finish(*name + "(blockIdx.x)");
      })
      .Case([&](gpu::ThreadIdOp) -> Result {
        return operands.finish(*name + "(threadIdx.x)");
      })
      .Case([&](gpu::BlockDimOp) -> Result {
        return operands.finish(*name + "(blockDim.x)");
      })
      .Case([&](gpu::GridDimOp) -> Result {
        return operands.finish(*name + "(gridDim.x)");
      })
      .Default([](Operation *) -> Result { return failure(); });
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
  FailureOr<Expression> lane = printScalar(
      op, [&](Value, int) -> Expression { return {names[next++].str()}; });
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
    return isVector ? FailureOr<Expression>(failure()) : printScalar(op, use);
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
    return printScalar(op, use);
  // A function of lanes is a type of its own each time it is written, and
  // random bits are hundreds of operations: NVRTC takes three times as long for
  // them.
  const bool isWideInteger = element.isInteger(32) || element.isInteger(64);
  if (isWideInteger &&
      isa<arith::DivUIOp, arith::RemUIOp, arith::AndIOp, arith::OrIOp,
          arith::XOrIOp, arith::ShLIOp, arith::ShRUIOp>(op))
    return printScalar(op, use);
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
      return printScalar(op, use);
    Operands operands{op, use};
    std::string condition = operands.text(0), onTrue = operands.text(1);
    return operands.finish("select(" + condition + ", " + onTrue + ", " +
                           operands.text(2) + ")");
  }
  return printLanes(op, use);
}
