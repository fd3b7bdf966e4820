// What a lowering has decided and a body of scalar code no longer says: an
// attribute of the op states it, and analyses read that rather than the body.
//
//   %y = linalg.generic {.., nnc.gather = {axis = 1 : i64}} ins(%indices : ..)
//   %z = scf.for .. { .. } {nnc.scatter_add = {axis = 0 : i64, unsigned}}
//
// Plain loops need no attribute, and a kernel that lost it is still right.
// verifyKernelForms proves that the body does what the attribute says, where it
// is made and again before it is relied on.
#ifndef NNC_CODEGEN_KERNELFORMS_H
#define NNC_CODEGEN_KERNELFORMS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <optional>

namespace nnc {

/// y[outer.., i.., inner..] = table[outer.., indices[i..], inner..], an index
/// outside of the table's axis taken to its nearest end.
struct GatherForm {
  mlir::Value table;
  mlir::Value indices;
  /// Of the table.
  int64_t axis;
  /// The indices are.
  bool isUnsigned;
};

void setGatherForm(mlir::linalg::GenericOp op, int64_t axis, bool isUnsigned);
/// None where the op is no gather.
std::optional<GatherForm> gatherForm(mlir::linalg::GenericOp op);

/// y[outer.., indices[i..], inner..] += updates[outer.., i.., inner..], in the
/// order of the loops; an index outside of y's axis taken to its nearest end.
struct ScatterAddForm {
  mlir::Value indices;
  mlir::Value updates;
  /// Of y.
  int64_t axis;
  bool isUnsigned;
};

void setScatterAddForm(mlir::scf::ForOp outermost, int64_t axis,
                       bool isUnsigned);
std::optional<ScatterAddForm> scatterAddForm(mlir::scf::ForOp outermost);

/// The results are the extreme of the input along the only loop, and its first
/// index there. A NaN is no extreme.
///
///   %y:2 = linalg.generic {.., nnc.arg_reduction = "max"} ins(%x : ..)
struct ArgReductionForm {
  /// Where a new element wins over the best so far: OGT or OLT.
  mlir::arith::CmpFPredicate comparison;
};

void setArgMaximumForm(mlir::linalg::GenericOp op);
std::optional<ArgReductionForm> argReductionForm(mlir::linalg::GenericOp op);

/// y[i] = the upper `bits` bits of the word at the row-major index i of a
/// stream at (seed, step), as runtime/Random.h has it.
///
///   %y = linalg.generic {.., nnc.random_bits = 24 : i64}
///       ins(%seed, %step, %stream : ..)
struct RandomBitsForm {
  int64_t bits;
};

void setRandomBitsForm(mlir::linalg::GenericOp op, int64_t bits);
std::optional<RandomBitsForm> randomBitsForm(mlir::linalg::GenericOp op);

/// Whether two kernels, or two phases, do the same, whatever their names and
/// where they come from.
bool areEqual(mlir::func::FuncOp lhs, mlir::func::FuncOp rhs);

/// A unit attribute of an argument that has the same elements at each step of
/// the loop that the kernel is in: what is made of them alone is made once.
inline constexpr llvm::StringLiteral kInvariantAttr = "nnc.invariant";

/// A unit attribute of a loop, or of a launch, that may run at the same time as
/// that before it.
inline constexpr llvm::StringLiteral kBesideAttr = "nnc.beside";

/// A unit attribute of an op whose result is to be in memory, however cheap its
/// elements are.
inline constexpr llvm::StringLiteral kStoredAttr = "nnc.stored";

/// The loop's iterations have nothing to do with each other: all that one reads
/// or writes of what the loop carries has its number as the first index.
///
///   %y:2 = scf.for %sample .. { .. } {nnc.samples}
void setSamplesForm(mlir::scf::ForOp op);
bool isOverSamples(mlir::scf::ForOp op);

/// Whether each op of `kernel` does what its attributes say. Fails after a
/// diagnostic.
llvm::LogicalResult verifyKernelForms(mlir::func::FuncOp kernel);

} // namespace nnc

#endif // NNC_CODEGEN_KERNELFORMS_H
