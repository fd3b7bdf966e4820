// A program on sequences as one on a single position of each: every value that
// depends on the tokens, computed for the token that has come last.
#ifndef NNC_PASSES_SEQUENCESTEP_H
#define NNC_PASSES_SEQUENCESTEP_H

#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include "llvm/ADT/DenseMap.h"

#include <optional>

namespace nnc {

/// What stands for a value of the program that depends on the tokens.
struct AtPosition {
  mlir::Value value;
  /// The dimension that counts positions, of size 1 in `value`. Nothing where
  /// the program's value is of the last position alone: it is of this one here.
  std::optional<int64_t> axis;
};

/// State that each sequence has a part of, along `axis`.
struct RearrangedState {
  ParameterOp state;
  int64_t axis;
};

/// Rewrites the ops of one function, in their order, into another.
class SequenceStep {
public:
  /// `position` is the state that counts the tokens before; `length` is how
  /// many positions the program's sequences have.
  SequenceStep(mlir::ModuleOp module, mlir::func::FuncOp step,
               int64_t sequences, int64_t length);

  /// Has `value` of the program be `replacement`, or `at` one position.
  void mapWhole(mlir::Value value, mlir::Value replacement);
  void mapStepped(mlir::Value value, AtPosition at);

  /// Whether `op` is rewritten as it is, rather than as its definition.
  static bool hasRule(mlir::Operation &op);
  /// Rewrites `op`. Fails after a diagnostic where its results at a position
  /// depend on later ones, or nobody knows.
  llvm::LogicalResult rewrite(mlir::Operation &op);

  bool isStepped(mlir::Value value) const { return stepped.contains(value); }
  AtPosition lookup(mlir::Value value) const { return stepped.lookup(value); }
  /// What stands for a value that does not depend on the tokens.
  mlir::Value whole(mlir::Value value) const { return wholes.lookup(value); }

  /// Whether the program knows no position beyond those of its sequences.
  bool hasLimit() const { return usesPosition; }
  /// What goes with the sequences where they are rearranged.
  llvm::ArrayRef<RearrangedState> getRearranged() const { return rearranged; }
  /// Counts the token. To be called once everything is rewritten.
  void finish();

private:
  // Each rule rewrites an op some of whose operands depend on the tokens.
  llvm::LogicalResult rewriteElementwise(mlir::Operation &op);
  llvm::LogicalResult rewriteMatmul(MatmulOp op);
  llvm::LogicalResult rewriteReshape(ReshapeOp op);
  llvm::LogicalResult rewriteTranspose(TransposeOp op);
  llvm::LogicalResult rewriteBroadcast(BroadcastOp op);
  llvm::LogicalResult rewriteSlice(SliceOp op);
  llvm::LogicalResult rewritePad(PadOp op);
  llvm::LogicalResult rewriteConcat(ConcatOp op);
  llvm::LogicalResult rewriteGather(GatherOp op);
  llvm::LogicalResult rewriteReduction(Reducing op);
  llvm::LogicalResult rewriteSize(SizeOp op);
  llvm::LogicalResult rewriteAttend(AttendOp op);
  llvm::LogicalResult rewriteCrossAttend(AttendOp op);
  llvm::LogicalResult rewriteScan(ScanOp op);
  llvm::LogicalResult checkScan(ScanOp op);
  llvm::LogicalResult applyRule(mlir::Operation &op);

  /// Whether all operands that depend on the tokens are of this position alone.
  bool isOfLastPosition(mlir::Operation &op) const;
  /// The dimension, counted from the right, that counts positions in the
  /// operands of `op`; fails after a diagnostic where they differ.
  llvm::FailureOr<int64_t> findDistance(mlir::Operation &op);
  /// The operand for a position at `distance` from the right.
  mlir::Value operandAt(mlir::Value operand, int64_t distance);
  /// A value that does not depend on the tokens, at this position of `axis`.
  mlir::Value restrict(mlir::Value value, int64_t axis, unsigned depth = 0);
  mlir::Value restrictProducer(mlir::Value value, int64_t axis, unsigned depth);
  /// The place of the token, a scalar of i32.
  mlir::Value position();

  /// What a sequence keeps from token to token, zero where it begins.
  ParameterOp declareState(const llvm::Twine &name, mlir::RankedTensorType type,
                           mlir::Location loc);

  /// What the positions before have had for `now`, [sequences, length, ..]; it
  /// is appended when the token is done.
  mlir::Value keep(mlir::Value now, mlir::Location loc);
  /// What a loop carries into this position, from `begin` on, in the state
  /// `name`.
  mlir::Value carry(mlir::Value begin, mlir::StringAttr &name,
                    mlir::Location loc);

  /// A copy of `op` on `operands`, with `changes` among its attributes, whose
  /// result types follow. Null after a diagnostic.
  mlir::Operation *copy(mlir::Operation &op, mlir::ValueRange operands,
                        llvm::ArrayRef<mlir::NamedAttribute> changes = {});
  /// The entry `index` of a list of sizes, which are the attribute `name` of
  /// `op`, as `size`.
  mlir::NamedAttribute withSize(mlir::Operation &op, llvm::StringRef name,
                                int64_t index, int64_t size);
  llvm::LogicalResult inferTypes(mlir::Operation *op);
  llvm::LogicalResult copyWhole(mlir::Operation &op);
  llvm::LogicalResult copyScan(ScanOp op);
  /// Puts the number of sequences in the place of the batch.
  void fixBatch(mlir::Operation *op);
  void setResult(mlir::Operation &op, mlir::Operation *copied,
                 std::optional<int64_t> axis);
  llvm::LogicalResult refuse(mlir::Operation &op, const llvm::Twine &why);

  mlir::ModuleOp module;
  mlir::OpBuilder builder;
  int64_t sequences, length;
  llvm::DenseMap<mlir::Value, AtPosition> stepped;
  llvm::DenseMap<mlir::Value, mlir::Value> wholes;
  mlir::Value positionValue;
  bool usesPosition = false;
  unsigned numKept = 0;
  llvm::SmallVector<RearrangedState> rearranged;
};

} // namespace nnc

#endif // NNC_PASSES_SEQUENCESTEP_H
