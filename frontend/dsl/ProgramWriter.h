// From a model as written back to a program: what scopes of parameters there
// are becomes functions, layers are called as layers, and the rest are ops.
//   WriteProgram.cpp the file: inputs, functions, what is refused
//   WriteScopes.cpp  which ops belong to which scope
//   WriteUnits.cpp   ops that a program says in one: layers of `layout nchw`,
//   loops WriteBody.cpp    statements, and what of them stands in one
//   expression WriteLoops.cpp   calls of scan, and the functions that are their
//   cells WriteParts.cpp   losses, metrics, outputs, and the steps and groups
//   of them WriteLayers.cpp  which arguments a layer was called with
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
/// Steps, or the words of another length.
std::string spellLength(mlir::Attribute value);
/// "adam(learning_rate = 0.1)".
std::optional<std::string> spellOptimizer(mlir::DictionaryAttr optimizer,
                                          mlir::Attribute rate);
/// A setting's value; nothing where the language has no word for it.
std::optional<std::string>
spellSetting(const SettingInfo &info, mlir::Attribute value, RecipeAttr recipe);
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
/// Whether `path` is of a scope below `scope`, or of it.
bool isBelow(llvm::StringRef path, llvm::StringRef scope);
/// The part of `scope` that the calls of the op's source are in, as its place
/// tells; empty: none below it. Nothing where the place tells nothing: where no
/// place does, there is no telling either that an op is of the model itself.
std::optional<std::string> placedPart(mlir::Operation *op,
                                      llvm::StringRef scope, bool hasPlaces);
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

/// The parameter that a value reads, also inside of a loop, or null.
ParameterOp parameterOf(mlir::Value value, mlir::ModuleOp module);

/// What stands in a body: an op, with those that the language adds around it,
/// or several that belong to a scope.
struct Item {
  explicit Item(mlir::Operation *op) : ops({op}), core(op) {}

  /// What others read of it: of its last ops.
  llvm::SmallVector<mlir::Value> results() const;

  llvm::SmallVector<mlir::Operation *> ops; ///< In their order.
  mlir::Operation *core;                    ///< The one that is called.
  /// What the call is given in place of operands that `ops` make.
  llvm::DenseMap<mlir::Value, mlir::Value> given;
  llvm::SmallVector<mlir::Value> replaced; ///< Results, in place of the core's.
  int64_t axis = 0;                        ///< Of a loop: where time is.
  std::string part;                        ///< Of a scope; empty: one op.
  std::string cell; ///< Of a loop: the part that its region is in.
  std::optional<LayerCall> layer;
};

/// Whether an op of the item reads the parameter.
bool uses(const Item &item, ParameterOp parameter, mlir::ModuleOp module);

/// What a call of the loop is given: what it goes over, states, and what is
/// shared by all steps but for parameters of the cell's own.
llvm::SmallVector<mlir::Value> listLoopOperands(const Item &item,
                                                llvm::StringRef scope,
                                                mlir::ModuleOp module);

/// The ops of a body, those together that the language makes of one call.
/// Fails after a diagnostic.
llvm::FailureOr<std::vector<Item>>
foldUnits(llvm::ArrayRef<mlir::Operation *> ops, bool hasChannelsFirst);

/// A function as it is written: what it takes, and its statements.
struct WrittenFunction {
  std::vector<std::string> parameters;
  std::string body;

  std::string text() const;
};

/// The calls of one scope, which share its parameters and so are of one
/// function. Where what they do differs, it is in turns of the function, told
/// apart by an argument.
struct CallsOfScope {
  std::vector<WrittenFunction> forms; ///< Different ones.
  std::vector<unsigned> calls;        ///< The form of each, in their order.
  /// Of loops, which can give their cell no such argument: its default.
  std::optional<unsigned> byDefault;
};

class ProgramWriter {
public:
  /// `calls` are those that a writer before this one has found, by scopes.
  explicit ProgramWriter(mlir::ModuleOp module,
                         std::map<std::string, CallsOfScope> calls = {})
      : module(module), known(std::move(calls)) {}

  llvm::FailureOr<std::string> run();
  /// Scopes of whose function there are several forms, as it turned out.
  bool hasForms() const;
  std::map<std::string, CallsOfScope> takeCalls() { return std::move(calls); }

private:
  friend class BodyWriter;
  /// A function's name, and what a call says behind its arguments.
  struct FunctionCall {
    std::string name, form;
  };

  llvm::LogicalResult refuse(mlir::Location location, const llvm::Twine &what);
  /// The parts of a body in the scope `scope`.
  llvm::FailureOr<std::vector<Item>>
  groupByScope(llvm::ArrayRef<mlir::Operation *> ops, llvm::StringRef scope);
  /// Writes a function for an item's ops, unless one of the same text is there.
  /// Its name; `inputs` and `outputs` receive what a call is given and gives.
  llvm::FailureOr<FunctionCall>
  writeFunction(const Item &item, llvm::StringRef scope,
                llvm::SmallVectorImpl<mlir::Value> &inputs,
                llvm::SmallVectorImpl<mlir::Value> &outputs);
  /// The function of which a loop's region is a call, and its scope's part.
  llvm::FailureOr<std::string> writeCell(ScanOp scan, llvm::StringRef scope,
                                         llvm::StringRef part);
  /// Adds the function unless there is one of this text. `path` is the call's
  /// scope.
  llvm::FailureOr<FunctionCall> addFunction(llvm::StringRef stem,
                                            const std::string &path,
                                            WrittenFunction function,
                                            bool isCell);
  llvm::LogicalResult noteForm(const std::string &path,
                               WrittenFunction function, bool isCell);
  FunctionCall addForm(llvm::StringRef stem, const std::string &path,
                       WrittenFunction function);
  std::string chooseName(llvm::StringRef stem);
  llvm::LogicalResult writeForms();
  llvm::FailureOr<std::string> writeModel(ModelOp model);

  // WriteRecipe.cpp
  llvm::FailureOr<std::string> writeRecipe(ModelOp model);
  llvm::FailureOr<std::string> writeTraining(ModelOp model);
  llvm::FailureOr<std::string> writeData(ModelOp model);
  std::string writeNameTables(ModelOp model);
  llvm::FailureOr<std::string> writeGroups(ModelOp model);
  llvm::FailureOr<std::string> writeStop(ModelOp model);
  llvm::FailureOr<std::string> spellStratified(ModelOp model);
  /// WriteParts.cpp: what stands in a step beside its losses.
  llvm::FailureOr<std::string> writeUpdates(ModelOp model,
                                            llvm::StringRef step);

  mlir::ModuleOp module;
  std::map<std::string, CallsOfScope> known, calls; // by scopes
  std::map<std::string, std::string> namesOfForms;  // by scopes
  bool hasChannelsFirst = false;                    // `layout nchw`
  bool hasPlaces = false;                           // that tell scopes
  llvm::StringSet<> updateNames;                    // of the steps so far
  size_t numUpdates = 0;                            // as well
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
  llvm::LogicalResult writeItems(llvm::ArrayRef<Item> items);
  /// The items from `first` to `last` as a step or a group of outputs.
  llvm::LogicalResult writePart(llvm::ArrayRef<Item> items);
  llvm::LogicalResult writeCallOfScope(const Item &item);
  llvm::LogicalResult writeOp(const Item &item);
  llvm::FailureOr<Expression> spellLoop(const Item &item,
                                        llvm::ArrayRef<Operand> operands);
  llvm::LogicalResult writeStatement(mlir::Operation *op);
  llvm::LogicalResult declareBefore(llvm::ArrayRef<Item> items);
  llvm::LogicalResult writeParameters(const Item &item);
  llvm::LogicalResult declare(ParameterOp parameter);
  llvm::FailureOr<Expression> spell(const Item &item);
  std::optional<Expression> spellOperator(mlir::Operation *op,
                                          llvm::ArrayRef<Operand> operands);
  llvm::LogicalResult spellAttributes(mlir::Operation *op,
                                      const Signature &signature, bool isPlain,
                                      std::vector<std::string> &arguments);
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
  llvm::StringSet<> declaredPaths; // parameters, as the module calls them
  bool isInPart = false;           // a step or a group of outputs
  llvm::StringSet<> namedLayers;   // layers of which one has a name of its own
};

} // namespace nnc::dsl

#endif // NNC_FRONTEND_DSL_PROGRAMWRITER_H
