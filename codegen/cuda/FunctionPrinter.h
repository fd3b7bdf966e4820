// The printer of one function as CUDA C++: a walk over structured control flow
// that prints a statement for what has an effect or is used more than once, and
// expressions inside of them for the rest. No operation is reordered with
// another that it could tell apart, and none is reassociated.
#ifndef NNC_CODEGEN_CUDA_FUNCTIONPRINTER_H
#define NNC_CODEGEN_CUDA_FUNCTIONPRINTER_H

#include "codegen/cuda/CudaScalars.h"
#include "codegen/cuda/EmitCuda.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include "llvm/ADT/StringSet.h"

namespace nnc {

/// An attribute that gives an extent (EmitCuda.h); none for any other.
std::optional<Extent> toExtent(mlir::Attribute attribute);

/// How many elements a buffer of the function has, if that is known.
std::optional<Extent> elementsOf(mlir::func::FuncOp function, unsigned i);

/// A memref value: where its elements are in an array or behind a pointer.
struct View {
  std::string base;
  /// Nested arrays are indexed by each index, everything else by a number.
  bool isArray = false;
  mlir::OpFoldResult offset;
  llvm::SmallVector<mlir::OpFoldResult> strides;
};

class FunctionPrinter {
public:
  FunctionPrinter(mlir::func::FuncOp function, bool hasNarrowIndices)
      : function(function), scalars{hasNarrowIndices} {
    // What it may call, and itself.
    for (auto other : function->getParentOfType<mlir::ModuleOp>()
                          .getOps<mlir::func::FuncOp>())
      if (!other.isPublic() || other == function)
        names.insert(other.getName());
  }

  /// As a kernel of so many threads a block.
  mlir::FailureOr<CudaKernel> printKernel(int64_t threads);
  /// As a function that kernels call.
  mlir::FailureOr<std::string> printHelper();

private:
  // Names and types.
  std::string uniqueName(llvm::StringRef wanted);
  std::string nameFor(mlir::Value value);
  std::string pointerType(mlir::BlockArgument argument);
  CudaKernel::Buffer describeBuffer(mlir::BlockArgument argument);
  mlir::FailureOr<std::string> typeOf(mlir::Value value);

  // Lines.
  void line(const llvm::Twine &text);
  void open(const llvm::Twine &text);
  void close();
  void noteSource(mlir::Operation *op);
  void printSignature(llvm::StringRef head,
                      llvm::ArrayRef<std::string> parameters);

  // Expressions.
  /// What stands for a value, and where a memref lies. A value that has neither
  /// is a fault of the printer: a diagnostic, and nothing is printed.
  Expression expressionOf(mlir::Value value);
  View viewOf(mlir::Value memref);
  Expression use(mlir::Value value);
  std::string text(mlir::Value value, int precedence = 0);
  llvm::SmallVector<std::string> textsOf(mlir::ValueRange values);
  bool isInlined(mlir::Operation *op);
  void define(mlir::Value value, Expression expression);
  mlir::LogicalResult declare(mlir::Value value, Expression expression);
  void assign(llvm::StringRef name, mlir::Value value, bool mayAccumulate);
  /// Names every pending expression that reads memory, because what follows
  /// may write it.
  mlir::LogicalResult nameReads();

  // Statements.
  mlir::LogicalResult printBlock(mlir::Block &block);
  mlir::LogicalResult printOp(mlir::Operation &op);
  mlir::LogicalResult printBarrier(mlir::gpu::BarrierOp op);
  mlir::LogicalResult printShuffle(mlir::gpu::ShuffleOp op);
  mlir::LogicalResult printCopy(mlir::nvgpu::DeviceAsyncCopyOp op);
  mlir::LogicalResult printFor(mlir::scf::ForOp op);
  mlir::LogicalResult printIf(mlir::scf::IfOp op);
  mlir::LogicalResult printWhile(mlir::scf::WhileOp op);
  mlir::LogicalResult printCall(mlir::func::CallOp op);
  mlir::LogicalResult printReturn(mlir::func::ReturnOp op);
  mlir::LogicalResult printAlloca(mlir::memref::AllocaOp op);
  mlir::LogicalResult printReinterpretCast(mlir::memref::ReinterpretCastOp op);
  mlir::LogicalResult printStore(mlir::Operation *op, mlir::Value memref,
                                 mlir::ValueRange indices, mlir::Value value);
  mlir::LogicalResult printValue(mlir::Operation &op);

  mlir::LogicalResult declareResults(mlir::Operation *op,
                                     mlir::ValueRange results,
                                     mlir::ValueRange inits = {});
  mlir::LogicalResult assignAll(llvm::ArrayRef<std::string> names,
                                mlir::ValueRange values);
  std::string element(mlir::Value memref, mlir::ValueRange indices);
  std::string address(mlir::Value memref, mlir::ValueRange indices);
  std::string position(const View &view, mlir::ValueRange indices,
                       int precedence = 0);

  // Operations on vectors.
  mlir::FailureOr<Expression> vectorExpression(mlir::Operation &op);
  mlir::FailureOr<Expression>
  loadVector(mlir::Value memref, mlir::ValueRange indices, mlir::Value result);
  mlir::FailureOr<Expression> splat(mlir::vector::BroadcastOp op);
  mlir::FailureOr<Expression> extract(mlir::vector::ExtractOp op);
  mlir::FailureOr<Expression> collect(mlir::vector::FromElementsOp op);
  /// The number of the one element at `position`; a diagnostic if it is none.
  mlir::FailureOr<std::string>
  lane(mlir::Operation *op, llvm::ArrayRef<mlir::OpFoldResult> position);
  bool isPlainTransfer(mlir::Operation *op, mlir::Value source,
                       mlir::VectorType type, mlir::AffineMap map, bool hasMask,
                       mlir::ArrayAttr inBounds);

  mlir::func::FuncOp function;
  ScalarPrinter scalars;
  std::string body;
  unsigned depth = 0;
  std::string lastSource;
  bool synchronizes = false;
  bool isFaulty = false;
  llvm::StringSet<> names;
  llvm::DenseMap<mlir::Value, Expression> expressions;
  llvm::DenseMap<mlir::Value, View> views;
  /// Values with an expression that no statement has yet, in order.
  llvm::SmallVector<mlir::Value> pending;
};

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_FUNCTIONPRINTER_H
