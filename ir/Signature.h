// How an op is called by name. Every op's record generates its Signature, so
// that a frontend can build a new op without knowing it.
#ifndef NNC_IR_SIGNATURE_H
#define NNC_IR_SIGNATURE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OperationSupport.h"

namespace mlir {
class OpBuilder;
class OpAsmParser;
class OpAsmPrinter;
} // namespace mlir

namespace nnc {

/// Where a program may name the op.
enum class Category {
  Op,        ///< An expression.
  Loss,      ///< An expression, usually of a `loss` statement.
  Metric,    ///< An expression, usually of a `metric` statement.
  Optimizer, ///< The `optimizer` of a training block.
  Schedule,  ///< The learning rate of an optimizer.
  Internal   ///< Nowhere: passes make it.
};

/// What the op computes in where a model asks for 16 bits.
enum class Precision {
  Full,   ///< 32 bits: it adds up many numbers, or divides by small ones.
  Inner,  ///< As Full, and its result is then as its first operand was.
  Follow, ///< As its operands are: 16 bits if any of them is.
  Low     ///< 16 bits, to which its operands are converted.
};

enum class Arity { One, Optional, Variadic };

enum class AttributeKind {
  Integer, ///< i64 IntegerAttr
  Float,   ///< f64 FloatAttr
  Bool,    ///< BoolAttr
  Dims,    ///< DenseI64ArrayAttr; -1 is the batch where a shape is meant
  String,  ///< StringAttr
  Type,    ///< TypeAttr of an element type
  Enum,    ///< an enumeration of the dialect, spelled by its keyword
  Padding, ///< StringAttr of a keyword, or DenseI64ArrayAttr; see isPadding
  Length,  ///< IntegerAttr or StringAttr; see ir/Length.h
  Lengths, ///< ArrayAttr of lengths
  Floats,  ///< DenseF64ArrayAttr
  Other
};

struct OperandInfo {
  llvm::StringRef name;
  Arity arity;
  bool hidden;   ///< Passes fill it in; programs do not name it.
  bool isBuffer; ///< State of the model that no optimizer changes.
};

struct AttributeInfo {
  llvm::StringRef name;
  AttributeKind kind;
  llvm::StringRef defaultValue; ///< As C++ spells it; empty if there is none.
  bool optional;                ///< May be absent and has no default.
  bool hidden;
  llvm::StringRef interval = {}; ///< Where its number lies: "[0, 1)", or empty.

  bool isRequired() const { return defaultValue.empty() && !optional; }
};

struct Signature {
  llvm::StringRef name;    ///< As programs spell it; see operationName.
  llvm::StringRef summary; ///< The record's.
  Category category;
  Precision precision;
  llvm::SmallVector<OperandInfo> operands;
  llvm::SmallVector<AttributeInfo> attributes;
  /// Arguments of a layer that are no attributes of the op (interface Layer).
  llvm::SmallVector<AttributeInfo> layerArguments;
  /// The default values of attributes; null if the op has no attribute.
  mlir::DictionaryAttr (*defaults)(mlir::OperationName);
  /// Which values are better, "larger" or "smaller"; empty but for losses and
  /// metrics.
  llvm::StringRef better;
};

/// A parameter that a layer makes for its caller.
struct LayerParameter {
  llvm::StringRef operand;     ///< The operand it becomes.
  mlir::RankedTensorType type; ///< Null: this operand stays absent.
  mlir::Attribute initializer; ///< An InitializerAttr.
  /// Which dimension of it each of PyTorch's tensor is; empty: they are alike.
  llvm::SmallVector<int64_t> pytorchDims = {};
  /// As one of the values of a variadic operand; empty: it is called as the
  /// operand is.
  std::string name = {};
};

/// How many values an integer operand may take: 0 to `limit` - 1.
struct IndexLimit {
  unsigned operand;
  int64_t limit;
};

/// The op that programs call `name`: `nnc.NAME`, or the op of another dialect
/// that NAME spells in full, as in `toy.swish`.
std::string operationName(llvm::StringRef name);

/// The signature of the op called `name`, or null if no computing op is.
const Signature *lookupSignature(mlir::MLIRContext *context,
                                 llvm::StringRef name);

/// The signatures of all computing ops of the loaded dialects, by name.
llvm::SmallVector<const Signature *> allSignatures(mlir::MLIRContext *context);

/// Why `signature` has no argument `name`, where others of its kind have one:
/// `, which mse and mae have`; empty where none has, or it is no loss or
/// metric.
std::string explainMissing(mlir::MLIRContext *context,
                           const Signature &signature, llvm::StringRef name);

/// The value of an enumeration attribute of `op` spelled `keyword`, or null.
mlir::Attribute parseEnumKeyword(mlir::MLIRContext *context, llvm::StringRef op,
                                 llvm::StringRef attribute,
                                 llvm::StringRef keyword);

/// How many values each operand of `op`, whose signature is `signature`, has.
llvm::SmallVector<int32_t> operandCounts(mlir::Operation *op,
                                         const Signature &signature);

/// The operands of `op` as createByName takes them.
llvm::SmallVector<mlir::Value> operandsByName(mlir::Operation *op,
                                              const Signature &signature);

/// Gives `op` the values of operand number `index` of its signature, which has
/// none yet.
void fillOperand(mlir::Operation *op, const Signature &signature,
                 unsigned index, mlir::ValueRange values);

/// Builds the op called `name`, inferring its result types. Operands are in the
/// order of the signature; an absent optional one is null where one after it is
/// given, and left out at the end; the values of a variadic one end with a null
/// where others follow. Attributes not given take their defaults.
/// Attributes of a wrong kind, missing or unknown ones and types that do not
/// fit fail after a diagnostic at `loc`, and build nothing.
llvm::FailureOr<mlir::Operation *>
createByName(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef name,
             mlir::ValueRange operands,
             llvm::ArrayRef<mlir::NamedAttribute> attributes = {});

/// What is wrong with `value` as `info`: `beta1 is 1.5: expected at least 0 and
/// below 1`; empty if its interval holds it.
std::string explainOutside(const AttributeInfo &info, mlir::Attribute value);

/// Verifies that the attributes of `op` lie in the intervals of its signature,
/// and that those of a float op fit into the element type it computes in.
llvm::LogicalResult verifyIntervals(mlir::Operation *op,
                                    const Signature &signature);

/// The trait of every computing op by which its record's intervals hold.
template <typename OpTy>
class AttributesInInterval
    : public mlir::OpTrait::TraitBase<OpTy, AttributesInInterval> {
public:
  static llvm::LogicalResult verifyTrait(mlir::Operation *op) {
    return verifyIntervals(op, OpTy::getSignature());
  }
};

// The syntax of every computing op:
//   nnc.NAME %a, %b operand = %c operands = %d, %e attribute = value ...
//       {discardable} : type
// where `type` is the one that all operands and the result share, or else
// `(operand types) -> result types`. Operands after one that is absent are
// named; they stand in the signature's order, as their types do. Attributes
// equal to their defaults are not printed.
mlir::ParseResult parseComputingOp(mlir::OpAsmParser &parser,
                                   mlir::OperationState &result,
                                   const Signature &signature);
void printComputingOp(mlir::OpAsmPrinter &printer, mlir::Operation *op,
                      const Signature &signature);

} // namespace nnc

#endif // NNC_IR_SIGNATURE_H
