// The state of Elements.cpp: which tensors are put into memory, and what is
// known of the element that a thread computes.
#ifndef NNC_CODEGEN_CUDA_ELEMENTSSCHEDULER_H
#define NNC_CODEGEN_CUDA_ELEMENTSSCHEDULER_H

#include "codegen/Refusal.h"
#include "codegen/cuda/GpuModel.h"
#include "codegen/cuda/GpuPhase.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"

namespace nnc {

/// Of a sum: how many threads, side by side, have its terms. Its last loops are
/// over these, and over what each adds up side by side; the third that reduces
/// is that of a thread.
inline constexpr llvm::StringLiteral kSlicesAttr = "nnc.slices";
/// Terms of a thread whose weights stay in registers over the steps of a loop
/// (KeepWeights.h): of the 128 registers that it has in the largest block.
inline constexpr int64_t kTermsKept = 64;

/// Which element of a tensor: its row-major number, or an index a dimension, or
/// both where both are known.
struct ElementIndex {
  mlir::Value number;
  std::optional<llvm::SmallVector<mlir::Value>> indices;

  static ElementIndex at(mlir::Value number) { return {number, std::nullopt}; }
  static ElementIndex at(llvm::SmallVector<mlir::Value> indices) {
    return {mlir::Value(), std::move(indices)};
  }
};

/// Walks the kernel once to plan and once to emit; the rooms are
/// ElementsPlan.cpp, ElementsValues.cpp and Elements.cpp.
class ElementsScheduler {
public:
  ElementsScheduler(mlir::func::FuncOp kernel, const GpuModel &model,
                    bool separately, Refusal &refusal)
      : b(kernel.getLoc(), kernel.getContext()), kernel(kernel), model(model),
        separately(separately), refusal(refusal), last(kernel) {}

  mlir::FailureOr<ScheduledKernel> run();

private:
  // Planning.
  void collectNeeded(mlir::Operation *op);
  void planStored();
  bool isComputedWhereRead(mlir::Operation &op);
  int64_t costOf(mlir::Value tensor);
  BufferRef destinationOf(mlir::Value tensor);
  bool mixesElements(mlir::Value tensor, bool isWhole);
  bool isReadOutside(mlir::Value tensor);

  // Phases.
  void addStored(mlir::Operation &op);
  void addToGroup(mlir::Value tensor);
  void emitGroup();
  void collectSliced(mlir::Value tensor);
  void emitSamples(mlir::scf::ForOp op);
  void emitSequence(mlir::scf::ForOp op);
  void emitCopy(mlir::Value root, unsigned result);
  void inPhase(mlir::RankedTensorType domain,
               llvm::function_ref<void(mlir::Value)> emitElement);
  void beginPhase();
  void endPhase(Extent numBlocks, int64_t threads);

  // Elements.
  mlir::Value read(mlir::Value tensor, ElementIndex at);
  mlir::Value compute(mlir::Value tensor, ElementIndex at);
  mlir::Value compute(mlir::linalg::GenericOp op, unsigned result,
                      ElementIndex at);
  mlir::Value readSlice(mlir::tensor::ExtractSliceOp op, ElementIndex at);
  mlir::Value readInserted(mlir::tensor::InsertSliceOp op, ElementIndex at);
  llvm::SmallVector<mlir::Value> evaluateBody(mlir::linalg::GenericOp op,
                                              mlir::ValueRange loops,
                                              std::optional<ElementIndex> whole,
                                              mlir::ValueRange accumulators);
  llvm::SmallVector<mlir::Value> reduce(mlir::linalg::GenericOp op,
                                        unsigned result, ElementIndex at);
  llvm::SmallVector<mlir::Value>
  reduceSlice(mlir::linalg::GenericOp op, llvm::SmallVector<mlir::Value> loops,
              mlir::Value init);
  void run(mlir::Block &block, mlir::IRMapping &mapping);
  void runIteration(mlir::scf::ForOp op, mlir::Value index,
                    mlir::IRMapping &mapping);
  void runLoop(mlir::scf::ForOp op, mlir::IRMapping &mapping);
  mlir::Value scalar(mlir::Value value);

  // Positions.
  mlir::Value numberOf(const ElementIndex &at, mlir::RankedTensorType type);
  llvm::SmallVector<mlir::Value> indicesOf(const ElementIndex &at,
                                           mlir::RankedTensorType type);
  llvm::SmallVector<mlir::Value>
  loopsOf(mlir::linalg::GenericOp op, unsigned result, const ElementIndex &at);
  ElementIndex through(mlir::AffineMap map, mlir::ValueRange loops);

  // Memory.
  mlir::Value load(mlir::Value tensor, BufferRef ref, mlir::Value number);
  void store(mlir::Value value, mlir::Value tensor, mlir::Value number);
  llvm::SmallVector<std::pair<unsigned, unsigned>> findAliases();

  mlir::Value unsupported(mlir::Type type);

  mlir::ImplicitLocOpBuilder b;
  mlir::func::FuncOp kernel;
  const GpuModel &model;
  bool separately;
  Refusal &refusal;
  ScheduledKernel scheduled;
  mlir::Operation *last;
  bool failed = false;

  llvm::SetVector<mlir::Operation *> needed;
  /// What is to be stored, as roots of results; and what is already.
  llvm::SetVector<mlir::Value> planned;
  llvm::DenseMap<mlir::Value, BufferRef> stored;
  /// What the next phase will store, and in it what is known at its element.
  llvm::SetVector<mlir::Value> group;
  llvm::DenseMap<mlir::Value, mlir::Value> current;

  /// The phase that is being emitted, and the element of its thread.
  std::unique_ptr<GpuPhase> phase;
  mlir::Value element;
  /// How many threads have an element, and which of them this is; 0 where sums
  /// have no slices.
  int64_t slices = 0;
  mlir::Value slice;
  /// The sums that all threads of an element come to.
  llvm::DenseSet<mlir::Operation *> sliced;
  /// Tensors that a sequence changes in place.
  llvm::DenseMap<mlir::Value, mlir::Value> inPlace;

  struct OperandReads {
    int lastPhase = -1;
    /// The last phase that reads elements other than the thread's own.
    int lastOther = -1;
  };
  llvm::DenseMap<unsigned, OperandReads> operandReads;
  /// The phase that writes each result, if it writes the thread's element and
  /// no other does.
  llvm::DenseMap<unsigned, int> resultWrites;
};

inline mlir::RankedTensorType tensorType(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType());
}

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_ELEMENTSSCHEDULER_H
