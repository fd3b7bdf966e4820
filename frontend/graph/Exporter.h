// The writer of a graph. One class in several files:
//   Export.cpp           nodes, parameters and the model
//   ExportAttributes.cpp places, values and attributes
//   ExportRecipe.cpp     the recipe and its data
// Private to them. What a graph cannot hold is refused: a file that says less
// than the module would be another program.
#ifndef NNC_FRONTEND_GRAPH_EXPORTER_H
#define NNC_FRONTEND_GRAPH_EXPORTER_H

#include "frontend/graph/Schema.h"

#include "ir/Ops.h"
#include "ir/Text.h"

#include "llvm/ADT/MapVector.h"

#include <optional>

namespace nnc::graph {

template <typename T> using Offset = flatbuffers::Offset<T>;
template <typename T> using Maybe = llvm::FailureOr<Offset<T>>;

class Exporter {
public:
  llvm::FailureOr<std::vector<uint8_t>> run(mlir::ModuleOp module);

private:
  template <typename T> using List = Maybe<flatbuffers::Vector<Offset<T>>>;

  llvm::LogicalResult fail(mlir::Location location,
                           const llvm::Twine &message) {
    return mlir::emitError(location) << "a graph cannot hold this: " << message;
  }

  Offset<flatbuffers::String> text(llvm::StringRef string) {
    hasStrangeText |=
        findNoText(string) != llvm::StringRef::npos || string.contains('\r');
    return buffer.CreateSharedString(string.data(), string.size());
  }

  // ExportAttributes.cpp
  /// Fills `place` and points `to` at it, or at nothing where `from` is
  /// unknown.
  llvm::LogicalResult writeLocation(mlir::Location from, Location &place,
                                    const Location *&to);
  Maybe<flatbuffers::Vector<int64_t>> writeShape(llvm::ArrayRef<int64_t> shape);

  llvm::LogicalResult addValue(mlir::Value value);
  int32_t indexOf(mlir::Value value) { return values.lookup(value); }

  Maybe<Attribute> writeAttribute(mlir::Location location, llvm::StringRef name,
                                  mlir::Attribute from);
  using TypedValue = std::pair<AttributeValue, Offset<void>>;
  llvm::FailureOr<TypedValue> writeValue(mlir::Location location,
                                         mlir::Attribute from);
  /// None where it is no number, string, symbol, type or mark.
  std::optional<TypedValue> writeScalar(mlir::Attribute from);
  llvm::FailureOr<TypedValue> writeTensor(mlir::Location location,
                                          mlir::DenseElementsAttr from);
  Maybe<flatbuffers::Vector<uint8_t>> writeData(mlir::Location location,
                                                mlir::DenseElementsAttr from);
  List<Attribute> writeAttributes(mlir::Location location,
                                  llvm::ArrayRef<mlir::NamedAttribute> from);

  // Export.cpp
  Maybe<Argument> writeArgument(mlir::Location location,
                                mlir::BlockArgument from,
                                mlir::DictionaryAttr attributes);
  llvm::SmallVector<mlir::NamedAttribute>
  collectAttributes(mlir::Operation *op);
  Maybe<Node> writeNode(mlir::Operation &op);
  List<Node> writeNodes(mlir::Block &block);
  Maybe<Region> writeRegion(mlir::Region &region, mlir::Location location);

  Maybe<Parameter> writeParameter(ParameterOp from);
  Maybe<Model> writeModel(ModelOp from);

  // ExportRecipe.cpp
  Maybe<Call> writeCall(mlir::Location location, mlir::DictionaryAttr from,
                        llvm::ArrayRef<llvm::StringRef> leaveOut);
  List<ReaderArgument> writeArguments(mlir::DictionaryAttr from);
  Maybe<DataBinding> writeBinding(ModelOp model, mlir::DictionaryAttr from);
  Maybe<SampleStep> writeStep(ModelOp model, mlir::DictionaryAttr from);
  template <typename T>
  List<T> writeEach(ModelOp model, mlir::ArrayAttr from,
                    Maybe<T> (Exporter::*write)(ModelOp, mlir::DictionaryAttr));
  llvm::LogicalResult writePlace(mlir::DictionaryAttr from, Location &place,
                                 const Location *&placeOrNull);
  Maybe<Recipe> writeRecipe(ModelOp model);

  flatbuffers::FlatBufferBuilder buffer;
  llvm::MapVector<llvm::StringRef, uint32_t> files;
  llvm::DenseMap<mlir::Value, int32_t> values;
  std::vector<Offset<Value>> valueOffsets;
  unsigned depth = 0;
  size_t dataBytes = 0;
  bool hasStrangeText = false;
};

} // namespace nnc::graph

#endif // NNC_FRONTEND_GRAPH_EXPORTER_H
