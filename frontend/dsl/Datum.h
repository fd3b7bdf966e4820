// What an expression is worth while compiling: a tensor of the program, or
// something known now.
#ifndef NNC_FRONTEND_DSL_DATUM_H
#define NNC_FRONTEND_DSL_DATUM_H

#include "frontend/dsl/Ast.h"

#include "mlir/IR/Types.h"
#include "mlir/IR/Value.h"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace nnc::dsl {

class Datum {
public:
  /// The size of the symbolic dimension.
  struct Batch {};
  using List = std::vector<Datum>;

  /// The value of an expression in error. Using it gives no further error.
  Datum() = default;
  Datum(mlir::Value tensor) : data(tensor) {}
  Datum(int64_t integer) : data(integer) {}
  Datum(double real) : data(real) {}
  Datum(bool boolean) : data(boolean) {}
  Datum(std::string string) : data(std::move(string)) {}
  Datum(List list);
  Datum(mlir::Type elementType) : data(elementType) {}
  Datum(Batch batch) : data(batch) {}

  bool isError() const { return std::holds_alternative<std::monostate>(data); }
  bool isTensor() const { return is<mlir::Value>(); }
  bool isInteger() const { return is<int64_t>(); }
  bool isReal() const { return is<double>(); }
  bool isBoolean() const { return is<bool>(); }
  bool isString() const { return is<std::string>(); }
  bool isList() const { return is<SharedList>(); }
  bool isElementType() const { return is<mlir::Type>(); }
  bool isBatch() const { return is<Batch>(); }
  bool isNumber() const { return isInteger() || isReal(); }

  mlir::Value tensor() const { return std::get<mlir::Value>(data); }
  int64_t integer() const { return std::get<int64_t>(data); }
  bool boolean() const { return std::get<bool>(data); }
  const std::string &string() const { return std::get<std::string>(data); }
  const List &list() const;
  mlir::Type elementType() const { return std::get<mlir::Type>(data); }
  /// Of an integer or a real.
  double number() const {
    return isInteger() ? double(integer()) : std::get<double>(data);
  }

  /// Of a list: the values in it and in the lists in it, and how deep these
  /// nest. Of another value 1 and 0.
  uint64_t elementCount() const;
  unsigned listDepth() const;

  /// How a message names it: "3", "a list", "a tensor f32[batch, 10]".
  std::string describe() const;

private:
  struct ListData;
  /// Values are copied wherever a name is used, so that `l = [l, l]` costs a
  /// step each time, and not twice the memory.
  using SharedList = std::shared_ptr<const ListData>;

  template <typename T> bool is() const {
    return std::holds_alternative<T>(data);
  }

  std::variant<std::monostate, mlir::Value, int64_t, double, bool, std::string,
               SharedList, mlir::Type, Batch>
      data;
};

/// The type that a name such as `f32` or `u8` stands for, or null.
mlir::Type parseElementType(StringRef name, mlir::MLIRContext *context);

/// The names of all element types.
llvm::ArrayRef<StringRef> elementTypeNames();

/// Arithmetic on values known now. Nothing, and a message in `problem`, where
/// the operands do not fit or the result has no value.
std::optional<Datum> evaluateUnary(UnaryOperator op, const Datum &operand,
                                   std::string &problem);
std::optional<Datum> evaluateBinary(BinaryOperator op, const Datum &lhs,
                                    const Datum &rhs, std::string &problem);

/// A function of numbers such as `sqrt`, applied to values known now. Nothing,
/// and no message, where there is none of that name and number of arguments.
std::optional<Datum> evaluateFunction(StringRef name,
                                      llvm::ArrayRef<Datum> arguments);

} // namespace nnc::dsl

#endif // NNC_FRONTEND_DSL_DATUM_H
