// Operations of arith and math as expressions of C++.
#ifndef NNC_CODEGEN_CUDA_CUDASCALARS_H
#define NNC_CODEGEN_CUDA_CUDASCALARS_H

#include "mlir/IR/Operation.h"

#include <optional>
#include <string>

namespace nnc {

/// How tightly C++ binds.
enum Precedence {
  Conditional = 1,
  LogicalOr,
  LogicalAnd,
  BitOr,
  BitXor,
  BitAnd,
  Equality,
  Relational,
  Shift,
  Additive,
  Multiplicative,
  Unary,
  Primary
};

struct Expression {
  std::string text;
  int precedence = Primary;
  /// A write to memory must not come between this and its use.
  bool readsMemory = false;
  /// Of a sum: its first operand.
  std::string isSumOf = {};
  /// Of an integer that was made from a signed one: that.
  std::string asSigned = {};
  /// Of a constant integer.
  std::optional<int64_t> literal = {};

  /// As an operand of what binds as tightly as `outer`.
  std::string inside(int outer) const {
    return precedence < outer ? "(" + text + ")" : text;
  }
};

/// Whether the printed text may call a function of that name on f64.
bool isMathFunction(llvm::StringRef name);

/// Integers are unsigned in C++, i1 is bool, and index is signed.
struct ScalarPrinter {
  /// Whether `index` is 32 bits wide.
  bool hasNarrowIndices;

  /// The operand's expression, with parentheses where it needs them inside of
  /// the precedence.
  using Use = llvm::function_ref<Expression(mlir::Value, int precedence)>;

  /// Of a scalar or of a vector of one dimension; none for any other type.
  std::optional<std::string> typeName(mlir::Type type) const;

  /// Of an integer or an index, whichever it is itself.
  std::string signedName(mlir::Type type) const;
  std::string unsignedName(mlir::Type type) const;

  /// The operation's one result, or failure, without a diagnostic, for what is
  /// neither a constant nor of arith or math. On vectors lane by lane.
  mlir::FailureOr<Expression> print(mlir::Operation &op, Use use) const;

private:
  mlir::FailureOr<Expression> printConstant(mlir::Attribute value,
                                            mlir::Type type) const;
  mlir::FailureOr<Expression> printLanes(mlir::Operation &op, Use use) const;
};

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_CUDASCALARS_H
