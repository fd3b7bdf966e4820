// The evaluator behind emit(): it runs a program while compiling, and what
// cannot be known yet becomes ops. One class in several files:
//   Emit.cpp        the program: constants, the model, its statements
//   Parts.cpp       training steps and groups of outputs
//   Expressions.cpp names, arithmetic, slices
//   Lists.cpp       lists, and loops over them
//   Calls.cpp       functions, and what a name calls
//   OpCall.cpp      ops by their signatures
//   Attributes.cpp  arguments that become attributes
//   Scan.cpp        loops over time
//   Parameters.cpp  scopes, parameters, initializers, types
//   Recipe.cpp      the training and data blocks
//   RunSettings.cpp when a run stops, and on which samples it is judged
#ifndef NNC_FRONTEND_DSL_EMITTER_H
#define NNC_FRONTEND_DSL_EMITTER_H

#include "frontend/dsl/Ast.h"
#include "frontend/dsl/Datum.h"
#include "frontend/dsl/Diagnostics.h"
#include "frontend/dsl/Emit.h"
#include "frontend/dsl/Trace.h"

#include "ir/Ops.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace nnc::dsl {

/// A name and what it means at this point of the program.
struct Binding {
  Datum value;
  Identifier declaration;
};

/// One entry into a scope of parameters: the model, or one call of a function.
/// Entering a scope again, to share its parameters, counts calls from the
/// start.
struct ScopeEntry {
  std::string path;            // "block.3", empty for the model
  llvm::StringSet<> callNames; // given to calls of this entry
  llvm::StringMap<unsigned>
      nextNumbers;                   // of a name without `as`: a first guess
  llvm::StringMap<SMLoc> paramNames; // declared by `param` in this entry
};

/// A call of a function in progress.
struct Frame {
  llvm::DenseMap<StringRef, Binding> names;
  ScopeEntry *scope = nullptr;
  const FunctionDecl *function = nullptr; // null in the model
  SMLoc callLoc;
  Frame *caller = nullptr;
  bool returned = false;
  Datum result;
};

/// A training step or a group of outputs. What it updates is known when the
/// model is done.
struct Part {
  Identifier name;
  bool isStep = false;
  bool hasResults = false; // a loss, or an output
  std::vector<const UpdateStmt *> updates = {};
  std::vector<const Setting *> settings = {};
};

/// An optimizer and its learning rate, as a recipe has them; null after an
/// error.
struct OptimizerAttrs {
  mlir::Attribute optimizer, rate;
};

/// Arguments of a call that had to be evaluated to see what is called.
using Evaluated = llvm::SmallDenseMap<const Expression *, Datum, 4>;

/// How a call is written: "dense(x, units)".
std::string usage(const CallExpr &call, llvm::ArrayRef<StringRef> names);

/// Where a type is written: what its first dimension may be.
enum class TypeUse { Input, Function, Parameter };

class Emitter {
public:
  Emitter(const Program &program, Diagnostics &diagnostics,
          mlir::MLIRContext *context, Trace *trace);

  mlir::OwningOpRef<mlir::ModuleOp> run(llvm::ArrayRef<Override> overrides);

private:
  //===-- Errors. Each gives the value of what is in error. --------------===//
  Datum error(SMLoc loc, const llvm::Twine &message,
              llvm::ArrayRef<Note> notes = {});
  /// False once the program has done too much (Limits.h).
  bool expend(SMLoc loc, uint64_t steps = 1);

  //===-- Emit.cpp -------------------------------------------------------===//
  void declareFunctions();
  void evaluateConstants(llvm::ArrayRef<Override> overrides);
  Datum evaluateOverride(const ConstDecl &constant, const Override &given,
                         const Datum &declared);
  bool checkReserved(const Identifier &name, StringRef what);

  void emitModel(const ModelDecl &model);
  void emitInputs(const ModelDecl &model);
  void checkModel(const ModelDecl &model);
  void checkLoss(mlir::Value loss, const NamedValue &item);
  void warnUnused();

  void emitBlock(const Block &block);
  void emitStatement(const Statement &statement);
  void emitAssign(const AssignStmt &statement);
  void emitFor(const ForStmt &statement);
  void emitIf(const IfStmt &statement);
  void emitReturn(const ReturnStmt &statement);
  void emitLoss(const LossStmt &statement);
  void emitMetric(const MetricStmt &statement);
  void emitOutput(const OutputStmt &statement);
  void emitLayout(const LayoutStmt &statement);
  bool checkInModel(const Statement &statement, StringRef word);
  /// The value as a float scalar, for `what`; null after an error.
  mlir::Value expectScalar(const Expression &expression, StringRef what);
  void bind(const Identifier &name, Datum value);
  llvm::DenseMap<StringRef, Binding> &boundNames() {
    return frame ? frame->names : namesInConstant;
  }

  //===-- Parts.cpp ------------------------------------------------------===//
  void emitStep(const StepStmt &statement);
  void emitOutputGroup(const OutputGroupStmt &statement);
  void emitUpdate(const UpdateStmt &statement);
  void emitStepSetting(const SettingStmt &statement);
  void emitPart(Part &inside, const Block &body);
  bool checkPart(const Statement &statement, StringRef word,
                 const Identifier &name);
  /// False, after an error, for a loss or a metric in a group of outputs, and
  /// for an output in a training step.
  bool checkTrained(const Statement &statement, StringRef word);
  bool checkGiven(const Statement &statement);
  /// Says of what has been emitted which part it is of.
  void mark(mlir::Operation *op);
  /// The recipe's updates of all steps, and the order of these.
  void emitUpdates();
  void emitUpdatesOf(const Part &step,
                     llvm::SmallVectorImpl<mlir::Attribute> &updates,
                     llvm::StringSet<> &names);
  mlir::Attribute emitPatterns(const UpdateStmt &statement);
  void addPatterns(const Expression &pattern,
                   llvm::SmallVectorImpl<mlir::Attribute> &patterns);
  mlir::Attribute emitOrder(const Setting &setting);
  std::optional<int64_t> emitTurn(const Turn &turn);

  //===-- Expressions.cpp ------------------------------------------------===//
  Datum evaluate(const Expression &expression);
  Datum evaluateKind(const Expression &expression);
  Datum evaluateName(const NameExpr &name);
  Datum evaluateUnaryExpr(const UnaryExpr &unary);
  Datum evaluateBinaryExpr(const BinaryExpr &binary);
  Datum evaluateTensorBinary(const BinaryExpr &binary, const Datum &lhs,
                             const Datum &rhs);
  Datum evaluateSubscript(const SubscriptExpr &subscript);
  Datum sliceTensor(const SubscriptExpr &subscript, mlir::Value base);
  bool evaluateBounds(const SubscriptItem &item, int64_t dim, int64_t &start,
                      int64_t &size, unsigned axis);
  /// A whole number, or nothing after an error; `what` names it.
  std::optional<int64_t> expectInteger(const Expression &expression,
                                       const llvm::Twine &what);
  std::optional<bool> expectCondition(const Expression &expression,
                                      StringRef what = "the condition of 'if'");
  Datum unknownName(const NameExpr &name);
  /// Whatever name is bound to, or null.
  Binding *lookup(StringRef name);
  std::vector<StringRef> visibleNames() const;

  /// A tensor as it is; a number, a boolean or a list of them as a constant of
  /// the element type. Null after an error.
  mlir::Value toTensor(const Datum &value, mlir::Type elementType, SMLoc loc);
  /// A constant's elements; null after an error.
  mlir::DenseElementsAttr toElements(const Datum &value, mlir::Type elementType,
                                     SMLoc loc);
  bool flatten(const Datum &value, unsigned level,
               llvm::SmallVectorImpl<int64_t> &shape,
               llvm::SmallVectorImpl<Datum> &elements, SMLoc loc);
  mlir::Attribute toElement(const Datum &value, mlir::Type elementType,
                            SMLoc loc);

  //===-- Lists.cpp ------------------------------------------------------===//
  Datum evaluateList(const ListExpr &list);
  Datum evaluateComprehension(const ComprehensionExpr &comprehension);
  Datum makeList(Datum::List elements, SMLoc loc);
  Datum joinLists(const Datum &lhs, const Datum &rhs, SMLoc loc);
  Datum partOfList(const SubscriptExpr &subscript, const Datum::List &list);
  Datum lengthOf(const CallExpr &call);
  /// What `count` names are given; an error for each after a message.
  std::vector<Datum> spread(const Datum &value, size_t count, SMLoc loc);
  /// Runs `body` once for each value of the loop, whose variables are bound.
  void forEach(const LoopHead &head, SMLoc loc,
               llvm::function_ref<void()> body);
  bool forEachInRange(const LoopHead &head,
                      llvm::function_ref<bool(Datum)> turn);

  //===-- Calls.cpp ------------------------------------------------------===//
  Datum evaluateCall(const CallExpr &call);
  Datum callFunction(const CallExpr &call, const FunctionDecl &function);
  /// Calls a function in the scope of `call`, with `given` for its first
  /// parameters and their defaults for the others.
  Datum callWith(const CallExpr &call, const FunctionDecl &function,
                 llvm::ArrayRef<Datum> given);
  Datum runFunction(const CallExpr &call, const FunctionDecl &function,
                    Frame &callee);
  /// False, after an error, for a function that calls itself or is called where
  /// there is no model.
  bool checkCallable(const CallExpr &call, const FunctionDecl &function);
  bool bindArguments(const CallExpr &call, const FunctionDecl &function,
                     Frame &frame);
  /// The default of a parameter, which may use those before it.
  Datum evaluateDefault(const Parameter &parameter, Frame &frame);
  /// The argument for each of `names`, by place or by name; null where there is
  /// none. Nothing after an error, which is given with `notes`.
  std::optional<std::vector<const Argument *>>
  matchArguments(const CallExpr &call, llvm::ArrayRef<StringRef> names,
                 llvm::ArrayRef<Note> notes = {});
  Datum missingArgument(const CallExpr &call, StringRef name,
                        llvm::ArrayRef<StringRef> names,
                        llvm::ArrayRef<Note> notes = {});
  /// Whether a program has the channels of tensors of this rank before their
  /// sizes.
  bool hasChannelsFirst(int64_t rank) const {
    return channelsFirst && rank >= 3;
  }
  bool checkParameterType(const Parameter &parameter, const Datum &value,
                          SMLoc loc);
  Datum callOp(const CallExpr &call, const Signature &signature,
               Evaluated &evaluated);
  Datum callUnknown(const CallExpr &call);
  Datum shapeOf(const CallExpr &call, llvm::ArrayRef<Datum> arguments);
  Datum filledTensor(const CallExpr &call, double value);
  /// Builds an op; an error of its verifier is given with notes on where its
  /// operands were declared.
  Datum buildOp(SMLoc loc, StringRef name, llvm::ArrayRef<mlir::Value> operands,
                llvm::ArrayRef<mlir::NamedAttribute> attributes = {});
  std::string inProgramsNames(StringRef name,
                              llvm::ArrayRef<mlir::Value> operands,
                              std::string message);
  bool isChannelsMoved(mlir::Value operand) const;
  std::vector<Note> explainOperands(llvm::ArrayRef<mlir::Value> operands);
  std::vector<StringRef> callableNames() const;

  friend class OpCall; // the arguments of one call of an op (OpCall.cpp)

  //===-- Attributes.cpp -------------------------------------------------===//
  mlir::Attribute toAttribute(const AttributeInfo &info, StringRef op,
                              const Expression &expression);
  mlir::Attribute toEnum(const AttributeInfo &info, StringRef op,
                         const Expression &expression);
  mlir::Attribute toPadding(const AttributeInfo &info, StringRef op,
                            const Expression &expression);
  mlir::Attribute toDims(const AttributeInfo &info, const Datum &value,
                         SMLoc loc);

  //===-- Scan.cpp -------------------------------------------------------===//
  Datum evaluateScan(const CallExpr &call);

  friend class ScanCall; // the arguments of one scan, and its step (Scan.cpp)

  //===-- Parameters.cpp -------------------------------------------------===//
  /// Runs `body` in the scope of a call of `callee`. A scope without parameters
  /// leaves its name to the next call.
  void inScope(const CallExpr &call, StringRef callee,
               llvm::function_ref<void(ScopeEntry &)> body);
  std::optional<std::string> chooseScope(const CallExpr &call,
                                         StringRef callee);
  void emitParam(const ParamStmt &statement);
  /// The value of the parameter `path`, made if it does not exist.
  mlir::Value useParameter(const std::string &path, mlir::RankedTensorType type,
                           mlir::Attribute initializer, SMLoc loc,
                           Role role = Role::parameter,
                           llvm::ArrayRef<int64_t> pytorchDims = {});
  /// Null after an error.
  mlir::RankedTensorType resolveType(const TypeSpec &spec, TypeUse use);
  bool resolveDimension(const Dimension &dimension, bool allowBatch,
                        llvm::SmallVectorImpl<int64_t> &shape);
  mlir::Type resolveElementType(const Identifier &name);
  /// An InitializerAttr; null after an error.
  mlir::Attribute resolveInitializer(const Expression &expression,
                                     mlir::RankedTensorType type);
  mlir::Attribute unknownInitializer(StringRef name, SMLoc loc);
  bool isInitializer(const Expression &expression) const;
  mlir::Attribute literalInitializer(const Expression &expression,
                                     mlir::RankedTensorType type);

  //===-- Recipe.cpp -----------------------------------------------------===//
  void emitRecipe();
  void checkTraining(const TrainingDecl &training);
  void emitSettings(llvm::ArrayRef<const std::vector<Setting> *> lists);
  void emitSetting(const Setting &setting);
  void unknownSetting(const Identifier &name);
  /// Null where it is in error, or what happens without it.
  mlir::Attribute emitSimpleSetting(const SettingInfo &info,
                                    const Expression &expression);
  mlir::Attribute toSettingAttribute(SettingKind kind, const Datum &value);
  OptimizerAttrs emitOptimizer(const Expression &expression);
  mlir::Attribute emitOptimizerCall(const Expression &expression,
                                    const Expression *&rate);
  void emitMemoryBudget(const SettingInfo &info, const Setting &setting);

  //===-- RunSettings.cpp ------------------------------------------------===//
  void checkWatched(StringRef metric, SMLoc loc);
  void emitStop(const Setting &setting);
  void emitStopNumber(StringRef attribute, const Expression &expression);
  void emitStratification(const Identifier &input);
  bool readBucketSizes(const BucketDecl &bucket, size_t expected,
                       llvm::SmallVectorImpl<int64_t> &sizes);
  void emitBuckets(const TrainingDecl &training);

  //===-- Recipe.cpp -----------------------------------------------------===//
  mlir::Attribute emitLearningRate(const Expression &expression);
  mlir::Attribute emitSchedule(const CallExpr &call);
  const Signature *resolveRecipeOp(const Expression &expression,
                                   Category category, StringRef what);
  bool fillAttributes(const CallExpr &call, const Signature &signature,
                      StringRef leading, const Expression *&leadingValue,
                      llvm::SmallVectorImpl<mlir::NamedAttribute> &attributes);

  //===-- Groups.cpp -----------------------------------------------------===//
  mlir::Attribute toLength(const Expression &expression,
                           const llvm::Twine &what);
  mlir::Attribute toLengths(const Expression &expression,
                            const llvm::Twine &what);
  /// Null where it is no list of numbers.
  mlir::Attribute toFloats(const Datum &value);
  mlir::Attribute emitPatterns(const Expression &expression);
  void emitGroups(const TrainingDecl &training);
  bool emitGroupSetting(const Setting &setting, mlir::NamedAttrList &group);
  bool emitGroupOptimizer(const Expression &expression,
                          mlir::NamedAttrList &group);
  void emitAverage(const SettingInfo &info, const Setting &setting);

  //===-- NameTables.cpp -------------------------------------------------===//
  void emitNameTables();
  mlir::Attribute emitNameTable(const NameTableDecl &table);

  //===-- DataBlock.cpp --------------------------------------------------===//
  void emitData(const DataDecl &data);
  std::optional<std::string> emitFolder(const DataDecl &data);
  void emitSplit(const DataSplit &split, const llvm::StringSet<> &masks,
                 llvm::SmallVectorImpl<mlir::Attribute> &bindings);
  bool takesChannelsFirst(const DataBinding &binding);
  bool fillReaderArguments(const CallExpr &call,
                           mlir::NamedAttrList &arguments);
  mlir::Attribute emitBinding(const DataSplit &split,
                              const DataBinding &binding);
  void emitSteps(const DataSteps &line,
                 llvm::SmallVectorImpl<mlir::Attribute> &steps);
  mlir::Attribute emitStep(const Identifier &input,
                           const Expression &expression);
  std::string explainMask(const Identifier &input, mlir::StringAttr mask);
  bool fillStepArguments(const CallExpr &call, StringRef step,
                         mlir::NamedAttrList &arguments);
  std::optional<std::string> readerArgument(const Expression &expression,
                                            bool isInList = false);
  void setRecipe(StringRef name, mlir::Attribute value);

  const Program &program;
  Diagnostics &diagnostics;
  mlir::MLIRContext *context;
  Trace *trace; // may be null
  mlir::OpBuilder builder;
  mlir::ModuleOp module;
  ModelOp model;

  llvm::StringMap<const FunctionDecl *> functions;
  llvm::MapVector<StringRef, Binding> constants;
  llvm::MapVector<StringRef, Binding> dimensions;     // `time` of `time = 1024`
  llvm::DenseMap<StringRef, Binding> namesInConstant; // of a comprehension
  Frame *frame = nullptr;
  std::optional<Identifier> layout;      // as the model says it
  bool channelsFirst = false;            // of pictures: [n, channels, size..]
  std::optional<std::string> dataFolder; // as the data block says it

  /// Inputs that outputs alone depend on, of a model with a loss.
  llvm::StringSet<> inputsOfOutputs;

  Part *part = nullptr; // that the statement is in
  std::vector<Part> steps;
  llvm::StringMap<SMLoc> parts;

  /// Who owns a scope's name: the function called, and where first.
  struct ScopeOwner {
    StringRef callee;
    SMLoc loc;
    bool isNamed; // by `as`
  };
  llvm::StringMap<ScopeOwner> scopeOwners;
  struct ParameterUse {
    mlir::Value value;
    mlir::RankedTensorType type;
    SMLoc loc;
    SMLoc callLoc; // of the function that declares it, if one does
    Role role;
  };
  llvm::StringMap<ParameterUse> parameters;
  uint64_t parameterUses = 0;

  // For notes and warnings.
  llvm::DenseMap<mlir::Value, Identifier> declared;
  struct NameUse {
    Identifier name;
    bool used = false;
  };
  llvm::MapVector<const char *, NameUse> assignments; // by place

  uint64_t work = 0;  // steps
  unsigned depth = 0; // of the evaluator's recursion
  bool exhausted = false;
};

} // namespace nnc::dsl

#endif // NNC_FRONTEND_DSL_EMITTER_H
