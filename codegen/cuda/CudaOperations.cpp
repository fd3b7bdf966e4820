// Operations on scalars, one function each, by a table of their names.
#include "codegen/cuda/CudaOperations.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nnc;

namespace {

/// One operation on scalars, and its expression as it is put together.
class ScalarOp {
public:
  ScalarOp(Operation &op, const ScalarPrinter &printer, std::string name,
           ScalarPrinter::Use use)
      : op(op), printer(printer),
        resultType(getElementTypeOrSelf(op.getResult(0).getType())),
        name(std::move(name)), use(use) {}

  Operation &op;
  const ScalarPrinter &printer;
  const Type resultType;
  /// The result's type in C++.
  const std::string name;

  /// Of operand `i`; of the result where there is no operand.
  Type type(unsigned i = 0) const {
    return op.getNumOperands()
               ? getElementTypeOrSelf(op.getOperand(i).getType())
               : resultType;
  }
  /// Of the scalar. What is no integer has neither.
  std::string signedName() const { return printer.signedName(type()); }
  std::string unsignedName() const { return printer.unsignedName(type()); }

  Expression get(unsigned i, int precedence) {
    Expression operand = use(op.getOperand(i), precedence);
    result.readsMemory |= operand.readsMemory;
    return operand;
  }
  std::string text(unsigned i, int precedence = 0) {
    return get(i, precedence).text;
  }
  /// An operand as a signed, and as an unsigned number.
  std::string asSigned(unsigned i, int precedence);
  std::string asUnsigned(unsigned i, int precedence);

  Expression finish(std::string text, int precedence = Primary) {
    result.text = std::move(text);
    result.precedence = precedence;
    return result;
  }
  /// `value` as the result's type.
  Expression convert(const std::string &value) {
    return finish(name + "(" + value + ")");
  }
  /// The same of a number that C++ computed signed: all but indices are stored
  /// unsigned.
  Expression unsignedAgain(std::string value, int precedence) {
    return resultType.isIndex() ? finish(std::move(value), precedence)
                                : convert(value);
  }

private:
  ScalarPrinter::Use use;
  Expression result = {};
};

} // namespace

/// Integers narrower than int would keep the bits that overflow.
static Expression wrapNarrow(Expression expression, const ScalarOp &scalar) {
  if (!scalar.resultType.isInteger(8) && !scalar.resultType.isInteger(16))
    return expression;
  expression.text = scalar.name + "(" + expression.text + ")";
  expression.precedence = Primary;
  return expression;
}

/// An operand of a bitwise or logical operation, of which few know how tightly
/// it binds: with parentheses unless it is the same operation, or a comparison
/// in a logical one.
static std::string bitwiseOperand(ScalarOp &scalar, unsigned i,
                                  int precedence) {
  Expression operand = scalar.get(i, 0);
  bool isSame = i == 0 && operand.precedence == precedence;
  bool isLogical = precedence == LogicalOr || precedence == LogicalAnd;
  return operand.inside(isSame ? 0 : isLogical ? Equality : Unary);
}

static Expression infix(ScalarOp &scalar, StringRef symbol, int precedence) {
  bool isBitwise = precedence >= LogicalOr && precedence <= BitAnd;
  bool isShift = precedence == Shift;
  std::string lhs = isBitwise || isShift ? bitwiseOperand(scalar, 0, precedence)
                                         : scalar.text(0, precedence);
  std::string rhs;
  if (isBitwise) {
    rhs = bitwiseOperand(scalar, 1, precedence);
  } else {
    // Left-associative.
    Expression operand = scalar.get(1, precedence + 1);
    rhs = isShift && operand.literal ? std::to_string(*operand.literal)
                                     : operand.text;
  }
  Expression result =
      scalar.finish((lhs + " " + symbol + " " + rhs).str(), precedence);
  if (symbol == "+")
    result.isSumOf = lhs;
  return result;
}

std::string ScalarOp::asSigned(unsigned i, int precedence) {
  if (type(i).isIndex())
    return text(i, precedence);
  Expression operand = get(i, 0);
  if (operand.literal && *operand.literal >= 0)
    return std::to_string(*operand.literal);
  if (!operand.asSigned.empty())
    return operand.asSigned;
  return signedName() + "(" + operand.text + ")";
}

std::string ScalarOp::asUnsigned(unsigned i, int precedence) {
  if (!type(i).isIndex())
    return text(i, precedence);
  return unsignedName() + "(" + text(i) + ")";
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

static Expression printCmpI(ScalarOp &scalar) {
  using P = arith::CmpIPredicate;
  auto op = cast<arith::CmpIOp>(scalar.op);
  P predicate = op.getPredicate();
  if (predicate == P::eq)
    return infix(scalar, "==", Equality);
  if (predicate == P::ne)
    return infix(scalar, "!=", Equality);
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
    return isSigned ? scalar.asSigned(i, Relational + 1)
                    : scalar.asUnsigned(i, Relational + 1);
  };
  std::string lhs = print(0), rhs = print(1);
  return scalar.finish((lhs + " " + symbol + " " + rhs).str(), Relational);
}

static Expression printCmpF(ScalarOp &scalar) {
  using P = arith::CmpFPredicate;
  auto call = [&](StringRef name) {
    std::string lhs = scalar.text(0), rhs = scalar.text(1);
    return (name + "(" + lhs + ", " + rhs + ")").str();
  };
  // True where the operands are unordered: the opposite is false.
  auto unless = [&](StringRef opposite) {
    Expression comparison = infix(scalar, opposite, Relational);
    return scalar.finish("!(" + comparison.text + ")", Unary);
  };
  switch (cast<arith::CmpFOp>(scalar.op).getPredicate()) {
  case P::OEQ:
    return infix(scalar, "==", Equality);
  case P::UNE:
    return infix(scalar, "!=", Equality);
  case P::OLT:
    return infix(scalar, "<", Relational);
  case P::OLE:
    return infix(scalar, "<=", Relational);
  case P::OGT:
    return infix(scalar, ">", Relational);
  case P::OGE:
    return infix(scalar, ">=", Relational);
  case P::ULT:
    return unless(">=");
  case P::ULE:
    return unless(">");
  case P::UGT:
    return unless("<=");
  case P::UGE:
    return unless("<");
  case P::ONE:
    return scalar.finish(call("is_less_or_greater"));
  case P::UEQ:
    return scalar.finish("!" + call("is_less_or_greater"), Unary);
  case P::ORD:
    return scalar.finish(call("is_ordered"));
  case P::UNO:
    return scalar.finish("!" + call("is_ordered"), Unary);
  case P::AlwaysFalse:
    return scalar.finish("false");
  case P::AlwaysTrue:
    return scalar.finish("true");
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

/// Whether nearly so is near enough.
static bool isApproximate(Operation &op) {
  auto math = dyn_cast<arith::ArithFastMathInterface>(op);
  auto flags = math ? math.getFastMathFlagsAttr() : arith::FastMathFlagsAttr();
  return flags &&
         bitEnumContainsAll(flags.getValue(), arith::FastMathFlags::afn);
}

static Expression printMath(StringRef function, ScalarOp &scalar) {
  Type type = scalar.type();
  bool hasApproximation = function == "exp2" || function == "tanh";
  if (type.isF32() && hasApproximation && isApproximate(scalar.op))
    return scalar.finish(
        ("approximate_" + function + "(" + scalar.text(0) + ")").str());
  bool is16Bit = type.getIntOrFloatBitWidth() == 16;
  SmallVector<std::string> arguments;
  for (unsigned i = 0; i < scalar.op.getNumOperands(); ++i)
    arguments.push_back(is16Bit ? "f32(" + scalar.text(i) + ")"
                                : scalar.text(i));
  std::string call = (function + (type.isF64() ? "" : "f") + "(" +
                      llvm::join(arguments, ", ") + ")")
                         .str();
  return is16Bit ? scalar.convert(call) : scalar.finish(call);
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

static bool is16Bit(Type type) {
  return isa<FloatType>(type) && type.getIntOrFloatBitWidth() == 16;
}

static Expression printNegF(ScalarOp &scalar) {
  std::string operand = scalar.text(0, Unary);
  // Not a decrement.
  if (operand[0] == '-')
    operand = "(" + operand + ")";
  return scalar.finish("-" + operand, Unary);
}

static Expression signedInfix(ScalarOp &scalar, StringRef symbol,
                              int precedence) {
  std::string lhs = scalar.asSigned(0, precedence);
  std::string rhs = scalar.asSigned(1, precedence + 1);
  return scalar.unsignedAgain((lhs + " " + symbol + " " + rhs).str(),
                              precedence);
}

/// An argument of a function that takes operands of one type. A literal alone
/// is an int, whatever the other operand is.
static std::string argument(ScalarOp &scalar, unsigned i, bool isSigned) {
  Expression operand = scalar.get(i, 0);
  Type type = scalar.type();
  if (!isa<IndexType, IntegerType>(type))
    return operand.text;
  if (type.isIndex() && (scalar.printer.hasNarrowIndices || !operand.literal))
    return operand.text;
  if (!isSigned && !operand.literal)
    return operand.text;
  return (isSigned || type.isIndex() ? scalar.signedName()
                                     : scalar.unsignedName()) +
         "(" + operand.text + ")";
}

static std::string call(ScalarOp &scalar, StringRef function, bool isSigned) {
  std::string arguments = argument(scalar, 0, isSigned);
  for (unsigned i = 1; i < scalar.op.getNumOperands(); ++i)
    arguments += ", " + argument(scalar, i, isSigned);
  return (function + "(" + arguments + ")").str();
}

static Expression signedCall(ScalarOp &scalar, StringRef function) {
  return scalar.unsignedAgain(call(scalar, function, /*isSigned=*/true),
                              Primary);
}

static Expression plainCall(ScalarOp &scalar, StringRef function) {
  return scalar.finish(call(scalar, function, /*isSigned=*/false));
}

static Expression printSelect(ScalarOp &scalar) {
  std::string condition = scalar.text(0, Conditional + 1);
  std::string onTrue = scalar.text(1, Conditional + 1);
  std::string onFalse = scalar.text(2, Conditional + 1);
  return scalar.finish(condition + " ? " + onTrue + " : " + onFalse,
                       Conditional);
}

static Expression printConversion(ScalarOp &scalar) {
  return scalar.convert(scalar.text(0));
}

static Expression printTruncI(ScalarOp &scalar) {
  // The lowest bit, not whether any is set.
  if (scalar.resultType.isInteger(1))
    return scalar.finish("(" + scalar.text(0, BitAnd) + " & 1) != 0", Equality);
  return printConversion(scalar);
}

/// -1 for true, as a signed number of one bit has it.
static std::string signedBool(ScalarOp &scalar) {
  return "-i32(" + scalar.text(0) + ")";
}

static Expression printExtSI(ScalarOp &scalar) {
  return scalar.convert(scalar.type().isInteger(1) ? signedBool(scalar)
                                                   : scalar.asSigned(0, 0));
}

static Expression printIndexCast(ScalarOp &scalar) {
  if (scalar.type().isInteger(1))
    return scalar.convert(signedBool(scalar));
  std::string value = scalar.asSigned(0, 0);
  bool isToIndex = scalar.resultType.isIndex();
  if (scalar.printer.hasNarrowIndices && isToIndex &&
      scalar.type().isInteger(64))
    return scalar.finish("narrow_index(" + value + ")");
  // From signed to signed of the same width.
  if (isToIndex && scalar.signedName() == scalar.name)
    return scalar.finish(value);
  Expression result = scalar.convert(value);
  if (scalar.type().isIndex())
    result.asSigned =
        scalar.printer.signedName(scalar.resultType) + "(" + value + ")";
  return result;
}

static Expression printIndexCastUI(ScalarOp &scalar) {
  return scalar.convert(scalar.type().isInteger(1) ? scalar.text(0)
                                                   : scalar.asUnsigned(0, 0));
}

/// From an integer to a 16-bit float by way of f32.
static Expression fromInteger(ScalarOp &scalar, const std::string &value) {
  return scalar.convert(is16Bit(scalar.resultType) ? "f32(" + value + ")"
                                                   : value);
}

static Expression printUIToFP(ScalarOp &scalar) {
  return fromInteger(scalar, scalar.text(0));
}

static Expression printSIToFP(ScalarOp &scalar) {
  return fromInteger(scalar, scalar.type().isInteger(1)
                                 ? signedBool(scalar)
                                 : scalar.asSigned(0, 0));
}

/// A float that becomes an integer, from 16 bits by way of f32.
static std::string wideFloat(ScalarOp &scalar) {
  std::string value = scalar.text(0);
  return is16Bit(scalar.type()) ? "f32(" + value + ")" : value;
}

static Expression printFPToUI(ScalarOp &scalar) {
  return scalar.convert(wideFloat(scalar));
}

static Expression printFPToSI(ScalarOp &scalar) {
  std::string type = scalar.printer.signedName(scalar.resultType);
  return scalar.convert(type + "(" + wideFloat(scalar) + ")");
}

static Expression printBitcast(ScalarOp &scalar) {
  return scalar.finish("bits_as<" + scalar.name + ">(" + scalar.text(0) + ")");
}

using Rule = Expression (*)(ScalarOp &scalar);

/// What is neither infix nor a function of C's.
static Rule findRule(StringRef op) {
  static const llvm::StringMap<Rule> table = {
      {"arith.negf", printNegF},
      {"arith.cmpi", printCmpI},
      {"arith.cmpf", printCmpF},
      {"arith.select", printSelect},
      // Signed arithmetic.
      {"arith.divsi",
       [](ScalarOp &s) { return signedInfix(s, "/", Multiplicative); }},
      {"arith.remsi",
       [](ScalarOp &s) { return signedInfix(s, "%", Multiplicative); }},
      {"arith.shrsi", [](ScalarOp &s) { return signedInfix(s, ">>", Shift); }},
      {"arith.floordivsi",
       [](ScalarOp &s) { return signedCall(s, "floor_divide"); }},
      {"arith.ceildivsi",
       [](ScalarOp &s) { return signedCall(s, "ceil_divide"); }},
      {"arith.minsi", [](ScalarOp &s) { return signedCall(s, "minimum"); }},
      {"arith.maxsi", [](ScalarOp &s) { return signedCall(s, "maximum"); }},
      {"math.absi", [](ScalarOp &s) { return signedCall(s, "absolute"); }},
      // Unsigned, and of floats.
      {"arith.ceildivui",
       [](ScalarOp &s) { return plainCall(s, "ceil_divide"); }},
      {"arith.minui", [](ScalarOp &s) { return plainCall(s, "minimum"); }},
      {"arith.maxui", [](ScalarOp &s) { return plainCall(s, "maximum"); }},
      {"arith.minimumf", [](ScalarOp &s) { return plainCall(s, "minimum"); }},
      {"arith.maximumf", [](ScalarOp &s) { return plainCall(s, "maximum"); }},
      // Conversions.
      {"arith.extf", printConversion},
      {"arith.truncf", printConversion},
      {"arith.extui", printConversion},
      {"arith.trunci", printTruncI},
      {"arith.extsi", printExtSI},
      {"arith.index_cast", printIndexCast},
      {"arith.index_castui", printIndexCastUI},
      {"arith.uitofp", printUIToFP},
      {"arith.sitofp", printSIToFP},
      {"arith.fptoui", printFPToUI},
      {"arith.fptosi", printFPToSI},
      {"arith.bitcast", printBitcast},
      // Where a thread is.
      {"gpu.block_id", [](ScalarOp &s) { return s.convert("blockIdx.x"); }},
      {"gpu.thread_id", [](ScalarOp &s) { return s.convert("threadIdx.x"); }},
      {"gpu.block_dim", [](ScalarOp &s) { return s.convert("blockDim.x"); }},
      {"gpu.grid_dim", [](ScalarOp &s) { return s.convert("gridDim.x"); }},
  };
  return table.lookup(op);
}

/// Whether this is `not` of a truth value.
static bool isNegation(const ScalarOp &scalar) {
  auto op = dyn_cast<arith::XOrIOp>(scalar.op);
  return op && scalar.resultType.isInteger(1) &&
         matchPattern(op.getRhs(), m_NonZero());
}

FailureOr<Expression> nnc::printOperation(Operation &op,
                                          const ScalarPrinter &printer,
                                          ScalarPrinter::Use use) {
  if (op.getNumResults() != 1)
    return failure();
  std::optional<std::string> name =
      printer.typeName(getElementTypeOrSelf(op.getResult(0).getType()));
  if (!name)
    return failure();
  ScalarOp scalar(op, printer, *name, use);
  if (StringRef function = mathFunction(op); !function.empty())
    return printMath(function, scalar);
  if (isNegation(scalar))
    return scalar.finish("!" + scalar.text(0, Unary), Unary);
  if (auto [symbol, precedence] = infixOf(op); !symbol.empty())
    return wrapNarrow(infix(scalar, symbol, precedence), scalar);
  if (Rule rule = findRule(op.getName().getStringRef()))
    return rule(scalar);
  return failure();
}
