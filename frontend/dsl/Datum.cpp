// Values known while compiling, and their arithmetic.
#include "frontend/dsl/Datum.h"

#include "ir/Shapes.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <charconv>
#include <cmath>

using namespace mlir;

namespace nnc::dsl {

struct Datum::ListData {
  List elements;
  uint64_t count = 0;
  unsigned depth = 1;
};

Datum::Datum(List list) {
  ListData made;
  for (const Datum &element : list) {
    made.count = llvm::SaturatingAdd(made.count, element.elementCount());
    made.depth = std::max(made.depth, element.listDepth() + 1);
  }
  made.elements = std::move(list);
  data = std::make_shared<const ListData>(std::move(made));
}

const Datum::List &Datum::list() const {
  return std::get<SharedList>(data)->elements;
}

uint64_t Datum::elementCount() const {
  return isList() ? std::get<SharedList>(data)->count : 1;
}

unsigned Datum::listDepth() const {
  return isList() ? std::get<SharedList>(data)->depth : 0;
}

// The shortest text that reads back as the same number.
static std::string printReal(double real) {
  char text[32];
  auto [end, status] = std::to_chars(text, text + sizeof text, real);
  return std::string(text, end);
}

std::string Datum::describe() const {
  if (isTensor())
    return "a tensor " + printType(tensor().getType());
  if (isInteger())
    return std::to_string(integer());
  if (isReal())
    return printReal(number());
  if (isBoolean())
    return boolean() ? "true" : "false";
  if (isString())
    return "\"" + string() + "\"";
  if (isList())
    return "a list";
  if (isElementType())
    return "an element type";
  if (isBatch())
    return "the batch's size, which is not known while compiling";
  return "nothing";
}

Type parseElementType(StringRef name, MLIRContext *context) {
  if (name == "f32")
    return Float32Type::get(context);
  if (name == "f64")
    return Float64Type::get(context);
  if (name == "f16")
    return Float16Type::get(context);
  if (name == "bf16")
    return BFloat16Type::get(context);
  if (name == "i32")
    return IntegerType::get(context, 32);
  if (name == "i64")
    return IntegerType::get(context, 64);
  if (name == "u8")
    return IntegerType::get(context, 8, IntegerType::Unsigned);
  if (name == "bool")
    return IntegerType::get(context, 1);
  return nullptr;
}

ArrayRef<StringRef> elementTypeNames() {
  static constexpr StringRef kNames[] = {"f32", "f64", "f16", "bf16",
                                         "i32", "i64", "u8",  "bool"};
  return kNames;
}

std::optional<Datum> evaluateUnary(UnaryOperator op, const Datum &operand,
                                   std::string &problem) {
  if (op == UnaryOperator::Not && operand.isBoolean())
    return Datum(!operand.boolean());
  if (op == UnaryOperator::Negate && operand.isReal())
    return Datum(-operand.number());
  if (op == UnaryOperator::Negate && operand.isInteger())
    return evaluateBinary(BinaryOperator::Subtract, Datum(int64_t(0)), operand,
                          problem);
  problem = op == UnaryOperator::Not
                ? "'not' expects a boolean, found " + operand.describe()
                : "'-' expects a number, found " + operand.describe();
  return std::nullopt;
}

static std::optional<bool> compare(BinaryOperator op, double lhs, double rhs) {
  switch (op) {
  case BinaryOperator::Equal:
    return lhs == rhs;
  case BinaryOperator::NotEqual:
    return lhs != rhs;
  case BinaryOperator::Less:
    return lhs < rhs;
  case BinaryOperator::LessEqual:
    return lhs <= rhs;
  case BinaryOperator::Greater:
    return lhs > rhs;
  case BinaryOperator::GreaterEqual:
    return lhs >= rhs;
  default:
    return std::nullopt;
  }
}

// Exact, or nothing.
static std::optional<int64_t> integerPower(int64_t base, int64_t exponent) {
  int64_t result = 1;
  // |base| >= 2 overflows after 63 steps; 0, 1 and -1 need no more than two.
  if (base >= -1 && base <= 1)
    exponent = exponent == 0 ? 0 : 2 - exponent % 2;
  for (int64_t i = 0; i < exponent; ++i)
    if (llvm::MulOverflow(result, base, result))
      return std::nullopt;
  return result;
}

// A quotient of integers is an integer where it is exact and a real elsewhere.
static std::optional<Datum> evaluateIntegers(BinaryOperator op, int64_t lhs,
                                             int64_t rhs,
                                             std::string &problem) {
  int64_t result = 0;
  bool overflow = false;
  switch (op) {
  case BinaryOperator::Add:
    overflow = llvm::AddOverflow(lhs, rhs, result);
    break;
  case BinaryOperator::Subtract:
    overflow = llvm::SubOverflow(lhs, rhs, result);
    break;
  case BinaryOperator::Multiply:
    overflow = llvm::MulOverflow(lhs, rhs, result);
    break;
  case BinaryOperator::Divide:
  case BinaryOperator::Remainder:
    if (rhs == 0) {
      problem = "division by zero";
      return std::nullopt;
    }
    if (rhs == -1) { // INT64_MIN / -1 overflows
      if (op == BinaryOperator::Remainder)
        return Datum(int64_t(0));
      overflow = llvm::SubOverflow(int64_t(0), lhs, result);
      break;
    }
    if (op == BinaryOperator::Divide && lhs % rhs != 0)
      return Datum(double(lhs) / double(rhs));
    return Datum(op == BinaryOperator::Divide ? lhs / rhs : lhs % rhs);
  case BinaryOperator::Power:
    if (rhs < 0)
      return Datum(std::pow(double(lhs), double(rhs)));
    if (std::optional<int64_t> power = integerPower(lhs, rhs))
      return Datum(*power);
    overflow = true;
    break;
  default:
    break;
  }
  if (!overflow)
    return Datum(result);
  problem = "the result does not fit in 64 bits";
  return std::nullopt;
}

static std::optional<Datum> evaluateReals(BinaryOperator op, double lhs,
                                          double rhs, std::string &problem) {
  switch (op) {
  case BinaryOperator::Add:
    return Datum(lhs + rhs);
  case BinaryOperator::Subtract:
    return Datum(lhs - rhs);
  case BinaryOperator::Multiply:
    return Datum(lhs * rhs);
  case BinaryOperator::Divide:
    if (rhs != 0.0)
      return Datum(lhs / rhs);
    problem = "division by zero";
    return std::nullopt;
  case BinaryOperator::Power:
    return Datum(std::pow(lhs, rhs));
  default:
    problem = "expected whole numbers";
    return std::nullopt;
  }
}

static std::optional<Datum> compareEqual(BinaryOperator op, const Datum &lhs,
                                         const Datum &rhs) {
  bool equal = false;
  if (lhs.isBoolean() && rhs.isBoolean())
    equal = lhs.boolean() == rhs.boolean();
  else if (lhs.isString() && rhs.isString())
    equal = lhs.string() == rhs.string();
  else if (lhs.isElementType() && rhs.isElementType())
    equal = lhs.elementType() == rhs.elementType();
  else
    return std::nullopt;
  if (op == BinaryOperator::Equal)
    return Datum(equal);
  if (op == BinaryOperator::NotEqual)
    return Datum(!equal);
  return std::nullopt;
}

std::optional<Datum> evaluateBinary(BinaryOperator op, const Datum &lhs,
                                    const Datum &rhs, std::string &problem) {
  bool isLogical = op == BinaryOperator::And || op == BinaryOperator::Or;
  if (isLogical && lhs.isBoolean() && rhs.isBoolean())
    return Datum(op == BinaryOperator::And ? lhs.boolean() && rhs.boolean()
                                           : lhs.boolean() || rhs.boolean());
  if (!isLogical && lhs.isNumber() && rhs.isNumber()) {
    if (std::optional<bool> truth = compare(op, lhs.number(), rhs.number()))
      return Datum(*truth);
    if (lhs.isInteger() && rhs.isInteger())
      return evaluateIntegers(op, lhs.integer(), rhs.integer(), problem);
    return evaluateReals(op, lhs.number(), rhs.number(), problem);
  }
  if (std::optional<Datum> truth = compareEqual(op, lhs, rhs))
    return truth;
  const Datum &wrong =
      isLogical ? (lhs.isBoolean() ? rhs : lhs) : (lhs.isNumber() ? rhs : lhs);
  problem =
      std::string(isLogical ? "expected a boolean" : "expected a number") +
      ", found " + wrong.describe();
  return std::nullopt;
}

namespace {
struct RealFunction {
  StringRef name;
  double (*function)(double);
};
} // namespace

// Those that keep a whole number whole are in evaluateFunction.
static constexpr RealFunction kRealFunctions[] = {
    {"sqrt", std::sqrt}, {"exp", std::exp}, {"log", std::log},
    {"sin", std::sin},   {"cos", std::cos}, {"tanh", std::tanh},
};

static std::optional<Datum> toInteger(double real) {
  if (!(std::fabs(real) < 9007199254740992.0)) // 2^53: exact below
    return Datum(real);
  return Datum(int64_t(real));
}

std::optional<Datum> evaluateFunction(StringRef name,
                                      ArrayRef<Datum> arguments) {
  if (arguments.empty() ||
      !llvm::all_of(arguments, [](const Datum &v) { return v.isNumber(); }))
    return std::nullopt;
  const Datum &first = arguments.front();
  if (arguments.size() == 2 && (name == "max" || name == "min")) {
    bool takeFirst = name == "max" ? first.number() >= arguments[1].number()
                                   : first.number() <= arguments[1].number();
    return takeFirst ? first : arguments[1];
  }
  if (arguments.size() != 1)
    return std::nullopt;
  if (name == "abs") // of INT64_MIN it is a real
    return first.isInteger() && first.integer() != INT64_MIN
               ? Datum(std::abs(first.integer()))
               : Datum(std::fabs(first.number()));
  if (name == "floor")
    return toInteger(std::floor(first.number()));
  if (name == "ceil")
    return toInteger(std::ceil(first.number()));
  if (name == "round")
    return toInteger(std::nearbyint(first.number()));
  for (const RealFunction &entry : kRealFunctions)
    if (entry.name == name)
      return Datum(entry.function(first.number()));
  return std::nullopt;
}

} // namespace nnc::dsl
