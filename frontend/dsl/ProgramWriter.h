// From a model as written back to a program: what scopes of parameters there
// are becomes functions, layers are called as layers, and the rest are ops.
//   WriteProgram.cpp the file: inputs, functions, what is refused
//   WriteScopes.cpp  which ops belong to which scope
//   WriteBody.cpp    statements, and what of them stands in one expression
//   WriteLayers.cpp  which arguments a layer was called with
//   WriteValues.cpp  numbers, lists, attributes
//   WriteRecipe.cpp  the training, data and weights blocks
#ifndef NNC_FRONTEND_DSL_PROGRAMWRITER_H
#define NNC_FRONTEND_DSL_PROGRAMWRITER_H

#include "ir/Ops.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace nnc::dsl {

//===-- Values -----------------------------------------------------------===//

/// "0.1", as short as it reads back as the same number of the type; nothing
/// where there is no such text.
std::optional<std::string> spellFloat(const llvm::APFloat &number);
std::optional<std::string> spellFloat(double number);
std::string spellString(llvm::StringRef text);
/// "f32[batch, 4]".
std::string spellType(mlir::Type type);
/// A number, a boolean or nested lists; nothing where it is too long.
std::optional<std::string> spellElements(mlir::DenseElementsAttr elements);
/// The value of an argument; nothing where it has no spelling.
std::optional<std::string> spellAttribute(const AttributeInfo &info,
                                          mlir::Attribute value);
std::optional<std::string> spellInitializer(InitializerAttr initializer);
/// ", beta1 = 0.5" for each attribute of a recipe's dictionary that the op has;
/// nothing where one has no spelling.
std::optional<std::string> spellCallAttributes(mlir::DictionaryAttr call,
                                               llvm::StringRef opName);
/// Whether a program may use it as a name of its own.
bool isProgramName(llvm::StringRef name);

//===-- Scopes -----------------------------------------------------------===//

/// A parameter's path below a scope: "block.0.dense.weight" is `dense.weight`
/// below the part "block.0", which a call gives by `as block[0]`.
struct PathBelow {
  std::string part; ///< Empty: the parameter is the scope's own.
  std::string rest;
};
PathBelow splitPath(llvm::StringRef path, llvm::StringRef scope);
/// "block[0]" of "block.0".
std::string spellScope(llvm::StringRef part);

/// A call of a layer, as far as its own arguments go.
struct LayerCall {
  std::string part;
  /// The arguments that decide the shapes, and initializers that are not the
  /// layer's own: each as `NAME = VALUE`, or a value alone.
  std::vector<std::string> arguments;
};

/// How the op was called as a layer in `scope`, if it was.
std::optional<LayerCall> recognizeLayer(mlir::Operation *op,
                                        llvm::StringRef scope,
                                        mlir::ModuleOp module);

/// The parameter that a value reads, or null.
ParameterOp parameterOf(mlir::Value value, mlir::ModuleOp module);

/// What stands in a body: an op, or several that belong to a scope.
struct Item {
  llvm::SmallVector<mlir::Operation *> ops;
  std::string part; ///< Of a scope; empty: one op.
  std::optional<LayerCall> layer;
};

class ProgramWriter {
public:
  explicit ProgramWriter(mlir::ModuleOp module) : module(module) {}

  llvm::FailureOr<std::string> run();

private:
  friend class BodyWriter;

  llvm::LogicalResult refuse(mlir::Location location, const llvm::Twine &what);
  /// The parts of a body in the scope `scope`.
  llvm::FailureOr<std::vector<Item>>
  groupByScope(llvm::ArrayRef<mlir::Operation *> ops, llvm::StringRef scope);
  /// Writes a function for an item's ops, unless one of the same text is there.
  /// Its name; `inputs` and `outputs` receive what a call is given and gives.
  llvm::FailureOr<std::string>
  writeFunction(const Item &item, llvm::StringRef scope,
                llvm::SmallVectorImpl<mlir::Value> &inputs,
                llvm::SmallVectorImpl<mlir::Value> &outputs);
  llvm::FailureOr<std::string> writeModel(ModelOp model);

  // WriteRecipe.cpp
  llvm::FailureOr<std::string> writeRecipe(ModelOp model);
  llvm::FailureOr<std::string> writeTraining(ModelOp model);
  llvm::FailureOr<std::string> writeData(ModelOp model);
  std::string writeNameTables(ModelOp model);

  mlir::ModuleOp module;
  std::string functions;
  std::map<std::string, std::string> functionNames; // by text
  llvm::StringSet<> usedNames;                      // of functions
  llvm::StringSet<> written;                        // parameters
};

/// The statements of one function, or of the model.
class BodyWriter {
public:
  BodyWriter(ProgramWriter &program, llvm::StringRef scope)
      : program(program), scope(scope.str()) {}

  /// A value that is there already, by its name.
  void name(mlir::Value value, std::string text);
  std::string newName(const llvm::StringSet<> &taken) const;
  llvm::LogicalResult write(llvm::ArrayRef<mlir::Operation *> ops,
                            llvm::ArrayRef<mlir::Value> returned);

  std::string text;

private:
  /// A value as an expression that no statement has named yet.
  struct Expression {
    mlir::Value value;
    std::string text;
    unsigned precedence;
    llvm::SmallVector<mlir::Value> mentions; ///< By name, in its text.
  };
  /// An argument of an op: an expression that is waiting, a name, a literal.
  struct Operand {
    std::string text;
    unsigned precedence;
    bool isLiteral;
    llvm::SmallVector<mlir::Value> mentions;
  };

  void findUses(llvm::ArrayRef<Item> items,
                llvm::ArrayRef<mlir::Value> returned);
  void findNamedLayers(llvm::ArrayRef<Item> items);
  void line(const llvm::Twine &statement);
  void flush();
  /// Gives values the names that nobody needs; what the expression mentions is
  /// read by it.
  void assign(llvm::ArrayRef<mlir::Value> values, const std::string &value,
              llvm::ArrayRef<mlir::Value> mentions);
  std::string nameFor(mlir::Value value, llvm::StringSet<> &taken);
  llvm::LogicalResult writeItem(const Item &item);
  llvm::LogicalResult writeCallOfScope(const Item &item);
  llvm::LogicalResult writeOp(const Item &item);
  llvm::LogicalResult writeStatement(mlir::Operation *op);
  llvm::LogicalResult writeParameters(const Item &item);
  llvm::LogicalResult declare(ParameterOp parameter);
  llvm::FailureOr<Expression> spell(const Item &item);
  std::optional<Expression> spellOperator(mlir::Operation *op,
                                          llvm::ArrayRef<Operand> operands);
  llvm::FailureOr<Expression> spellCall(const Item &item,
                                        llvm::ArrayRef<Operand> operands);
  /// Takes what is waiting for exactly these values, in their order; else all
  /// that waits is named first.
  llvm::LogicalResult takeOperands(mlir::Operation *op,
                                   llvm::ArrayRef<mlir::Value> values,
                                   llvm::SmallVectorImpl<Operand> &operands);
  std::string takeOne(mlir::Value value);

  ProgramWriter &program;
  std::string scope;
  llvm::DenseMap<mlir::Value, std::string> names;
  llvm::DenseMap<mlir::Value, unsigned> usesLeft;
  llvm::DenseSet<mlir::Value> kept; // that a return or a later item needs
  std::vector<Expression> waiting;
  llvm::SmallVector<mlir::Operation *> statements; // losses, metrics, outputs
  llvm::StringSet<> inputNames, declared;
  llvm::StringSet<> namedLayers; // layers of which one has a name of its own
};

} // namespace nnc::dsl

#endif // NNC_FRONTEND_DSL_PROGRAMWRITER_H
