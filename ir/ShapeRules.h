// What the shape rules of all families share: how a shape is spelled in their
// messages, and the checks that several of them make. Private to
// ir/Shapes*.cpp.
#ifndef NNC_IR_SHAPERULES_H
#define NNC_IR_SHAPERULES_H

#include "ir/Shapes.h"

namespace nnc {

/// Keeps products of sizes, element sizes and the batch well inside int64_t.
inline constexpr int64_t kMaxElements = int64_t(1) << 40;

/// A size in a message: `batch` or the number.
std::string printDim(int64_t dim);

/// `[batch, 784]`.
std::string printShape(llvm::ArrayRef<int64_t> shape);

/// The same of an attribute, where -1 is the batch.
std::string printDims(llvm::ArrayRef<int64_t> dims);

/// Why `shape` is not supported, or null.
const char *findShapeProblem(llvm::ArrayRef<int64_t> shape);

/// As makeType, for a shape whose batch is kDynamic.
TypeOrFailure makeTensor(const OpSite &site, llvm::ArrayRef<int64_t> shape,
                         mlir::Type elementType);

llvm::LogicalResult checkAxes(const OpSite &site, mlir::RankedTensorType x,
                              llvm::ArrayRef<int64_t> axes);

/// Broadcasts `shape` with that of the operand, in place.
llvm::LogicalResult broadcastInto(llvm::SmallVectorImpl<int64_t> &shape,
                                  llvm::ArrayRef<int64_t> other,
                                  std::pair<int64_t, int64_t> &conflict);

mlir::InFlightDiagnostic reportShapes(const OpSite &site,
                                      llvm::ArrayRef<NamedType> operands);

llvm::LogicalResult checkElementTypes(const OpSite &site, NamedType lhs,
                                      NamedType rhs);

llvm::LogicalResult checkElementType(const OpSite &site, mlir::Type type);

llvm::LogicalResult checkMatrix(const OpSite &site, NamedType operand);

/// Succeeds if the operand is [size], of the element type of x.
llvm::LogicalResult checkRow(const OpSite &site, NamedType row,
                             mlir::RankedTensorType x, int64_t size);

/// Succeeds if `weights` are null or weigh the terms of `shape`: its
/// dimensions, or the first of them, each of which may be 1.
llvm::LogicalResult checkWeights(const OpSite &site,
                                 mlir::RankedTensorType weights,
                                 llvm::ArrayRef<int64_t> shape);

/// Succeeds if the integers of the operand can be `value`, of attribute `name`.
llvm::LogicalResult checkHeld(const OpSite &site, llvm::StringRef name,
                              int64_t value, NamedType operand);

/// As resolveWindows, of windows that need not fit into x where x is what they
/// are to make; no keyword depends on its sizes, then.
llvm::FailureOr<Windows>
resolveSteps(const OpSite &site, mlir::RankedTensorType x,
             llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<int64_t> strides,
             mlir::Attribute padding, llvm::ArrayRef<int64_t> dilations);

/// The number of elements a sample; sizes have been checked before.
int64_t countStatic(llvm::ArrayRef<int64_t> shape);

} // namespace nnc

#endif // NNC_IR_SHAPERULES_H
