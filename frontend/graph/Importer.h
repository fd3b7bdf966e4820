// The reader of a graph. One class in several files:
//   Import.cpp       opening; parameters, inputs and the model
//   ImportNodes.cpp  values, nodes and regions
//   ImportRecipe.cpp the recipe and its data
// Private to them. The file is read as if an enemy had written it: FlatBuffers'
// verifier first, then every index, type and name; the first thing that is
// wrong is reported, with the node, the operand and the place.
#ifndef NNC_FRONTEND_GRAPH_IMPORTER_H
#define NNC_FRONTEND_GRAPH_IMPORTER_H

#include "frontend/graph/Reader.h"

#include "ir/Ops.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace nnc::graph {

class Importer {
public:
  Importer(const Graph &graph, llvm::StringRef fileName, size_t sizeBytes,
           mlir::MLIRContext *context)
      : graph(graph), context(context),
        reader(graph, fileName, sizeBytes, context), builder(context) {}

  mlir::OwningOpRef<mlir::ModuleOp> run();

private:
  /// A value of the file: what it claims to be, and what it has become.
  struct Slot {
    mlir::RankedTensorType type;
    mlir::Value value; ///< Null before it is defined.
    bool isVisible = false;
  };

  llvm::LogicalResult readGraph();
  llvm::LogicalResult readValues();
  llvm::LogicalResult readParameter(const Parameter &from);
  llvm::FailureOr<InitializerAttr> readInitializer(const Parameter &from,
                                                   mlir::RankedTensorType type);
  llvm::FailureOr<RoleAttr> readRole(const Parameter &from);

  llvm::LogicalResult readModel(const Model &from);
  llvm::FailureOr<mlir::DictionaryAttr> readInput(const Argument &from);
  llvm::LogicalResult defineArgument(const Argument &from, mlir::Block &block);

  // ImportNodes.cpp
  llvm::LogicalResult readNodes(const Offsets<Node> *nodes);
  llvm::FailureOr<mlir::Location> readLocation(const Node &node);
  llvm::LogicalResult readNode(const Node &node, llvm::StringRef name);
  llvm::FailureOr<mlir::RegisteredOperationName> findOp(llvm::StringRef name);
  llvm::FailureOr<mlir::Operation *> create(const Node &node,
                                            mlir::RegisteredOperationName op,
                                            mlir::Location location);
  llvm::FailureOr<mlir::Operation *>
  createAsClaimed(const Node &node, mlir::RegisteredOperationName op,
                  mlir::Location location, mlir::ValueRange operands);
  llvm::FailureOr<mlir::Operation *> createComputing(const Node &node,
                                                     const Signature &signature,
                                                     mlir::Location location,
                                                     mlir::ValueRange operands);
  llvm::LogicalResult readRegion(const Region &from, mlir::Region &to);
  llvm::LogicalResult defineResults(const Node &node, mlir::Operation *op);

  llvm::FailureOr<Slot *> findSlot(int32_t index, const std::string &what);
  llvm::FailureOr<Slot *> findUndefined(int32_t index, const std::string &what);
  llvm::FailureOr<llvm::SmallVector<mlir::Value>>
  readOperands(const Node &node);
  void define(Slot *slot, mlir::Value value);

  // ImportRecipe.cpp
  llvm::LogicalResult readRecipe(const Recipe &from);
  llvm::LogicalResult set(llvm::StringRef name, mlir::Attribute value);
  llvm::FailureOr<Reader::Attributes> readCall(const Call &from);
  llvm::LogicalResult readOptimizer(const Call &from);
  llvm::LogicalResult readLearningRate(const Recipe &from);
  llvm::LogicalResult readNumbers(const Recipe &from);
  llvm::LogicalResult readPrecision(const Recipe &from);
  llvm::LogicalResult readSettings(const Recipe &from);
  llvm::LogicalResult readData(const Offsets<DataBinding> *from);
  llvm::FailureOr<mlir::Attribute> readBinding(const DataBinding &from);
  llvm::FailureOr<mlir::Attribute> readBoundInputs(const DataBinding &from);
  llvm::FailureOr<mlir::Attribute>
  readReaderArguments(const Offsets<ReaderArgument> *from);
  llvm::LogicalResult readSteps(const Offsets<SampleStep> *from);
  llvm::FailureOr<mlir::Attribute> readStep(const SampleStep &from);
  llvm::LogicalResult setPlace(const Location *from, mlir::NamedAttrList &to);

  const Graph &graph;
  mlir::MLIRContext *context;
  Reader reader;
  mlir::OpBuilder builder;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  ModelOp model;
  /// Of the module, whose parameters are all there before the first node.
  mlir::SymbolTableCollection symbols;
  llvm::SmallVector<llvm::StringRef> inputNames;
  std::vector<Slot> slots;
  /// In the order of their definition, to end their scope with their region.
  llvm::SmallVector<Slot *> visible;
  unsigned depth = 0;
};

} // namespace nnc::graph

#endif // NNC_FRONTEND_GRAPH_IMPORTER_H
