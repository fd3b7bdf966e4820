// What reading and writing graphs share: limits, and element types.
#ifndef NNC_FRONTEND_GRAPH_SCHEMA_H
#define NNC_FRONTEND_GRAPH_SCHEMA_H

#include "frontend/graph/graph_generated.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

#include <optional>
#include <string>

namespace nnc::graph {

constexpr uint32_t kVersion = 1;

/// How deep attributes may stand in attributes, and regions in regions: deeper
/// than any program, and shallow enough for a recursive reader.
constexpr unsigned kMaxDepth = 16;

/// NumPy's limit is 64, too.
constexpr size_t kMaxRank = 64;

/// Dimension of the batch in a file.
constexpr int64_t kBatch = -1;

/// In place of a node's operand: it is absent, and one after it is not.
constexpr int32_t kAbsentOperand = -1;

/// Null if it is none that this version knows.
mlir::Type toElementType(ElementType type, mlir::MLIRContext *context);
/// Nothing if a graph cannot hold it.
std::optional<ElementType> fromElementType(mlir::Type type);

/// The name of an op as a file has it: without the prefix of the nnc dialect.
llvm::StringRef shortName(llvm::StringRef fullName);

/// The keyword of a value of an enumeration attribute: `gt` of
/// `#nnc.predicate<gt>`.
std::string keywordOf(mlir::Attribute attribute);

/// The ops of a model that compute nothing: besides these, a model holds ops
/// that have a signature (ir/Signature.h).
bool isStatement(llvm::StringRef fullName);

} // namespace nnc::graph

#endif // NNC_FRONTEND_GRAPH_SCHEMA_H
