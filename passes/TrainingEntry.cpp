// Which parameters a loss trains, by which updates, and its gradients.
#include "passes/TrainingEntry.h"

#include "passes/CompleteModel.h"
#include "passes/EntryPoints.h"
#include "passes/StepState.h"

#include "ir/Freezing.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace nnc {

static Block &getBody(ModelOp model) { return model.getBody().front(); }

/// The parameters that the model reads and training may change.
static SmallVector<ReadOp> findAllTrainable(ModelOp model) {
  llvm::DenseSet<Operation *> all;
  for (Operation &op : getBody(model))
    all.insert(&op);
  return findTrainable(model, all);
}

/// The parameters that the loss depends on; an error where there is none.
static FailureOr<SmallVector<ReadOp>> findTrained(ModelOp model, Value loss) {
  SmallVector<ReadOp> trained = findTrainable(model, findProducers(loss));
  if (trained.empty())
    return emitError(loss.getLoc())
           << "the loss depends on no parameter that is trained";
  return trained;
}

/// Warns of each parameter that the model reads, where the model's only loss
/// does not depend on it.
static void warnOfOthers(ModelOp model, ArrayRef<ReadOp> trained) {
  for (ReadOp read : findAllTrainable(model))
    if (!llvm::is_contained(trained, read))
      emitWarning(read.getLoc())
          << "parameter '" << read.getParameter()
          << "' is not trained: the loss does not depend on it";
}

/// Differentiates the first result of `function` for `variables`, before it
/// returns.
static GradientOp buildGradient(func::FuncOp function, ValueRange variables) {
  Operation *terminator = function.front().getTerminator();
  OpBuilder b(terminator);
  Value loss = terminator->getOperand(0);
  return GradientOp::create(b, loss.getLoc(), variables.getTypes(), loss,
                            variables);
}

namespace {
/// An update, the parameters that its patterns name, and those that it changes.
struct AssignedUpdate {
  RecipeUpdate update;
  llvm::StringSet<> named;
  SmallVector<ReadOp> parameters;
};
} // namespace

/// The update that is to change `parameter`: the first that names it, else the
/// one that names none; null where there is no such update.
static AssignedUpdate *findUpdate(StringRef parameter,
                                  MutableArrayRef<AssignedUpdate> updates) {
  AssignedUpdate *ofOthers = nullptr;
  for (AssignedUpdate &update : updates)
    if (update.named.contains(parameter))
      return &update;
    else if (update.update.patterns.empty() && !ofOthers)
      ofOthers = &update;
  return ofOthers;
}

/// `updates`, with the parameters that their patterns name.
static FailureOr<SmallVector<AssignedUpdate>>
matchUpdates(ModelOp model, ArrayRef<RecipeUpdate> updates) {
  auto module = model->getParentOfType<ModuleOp>();
  SmallVector<AssignedUpdate> assigned;
  for (const RecipeUpdate &update : updates) {
    SmallVector<ParameterOp> matches;
    for (StringRef pattern : update.patterns)
      if (std::string problem = matchParameters(module, pattern, matches);
          !problem.empty())
        return emitError(model.getLoc())
               << "update '" << update.name << "': " << problem;
    AssignedUpdate &matched = assigned.emplace_back();
    matched.update = update;
    for (ParameterOp parameter : matches)
      matched.named.insert(parameter.getSymName());
  }
  return assigned;
}

/// Fails after a diagnostic where an update changes no parameter.
static LogicalResult checkUseful(ModelOp model, StringRef step,
                                 ArrayRef<AssignedUpdate> updates) {
  for (const AssignedUpdate &update : updates) {
    if (!update.parameters.empty())
      continue;
    InFlightDiagnostic diagnostic = emitError(model.getLoc());
    if (update.update.name.empty())
      return diagnostic << "the recipe's optimizer is for no parameter: each "
                           "that is trained has an update";
    diagnostic << "update '" << update.update.name
               << "' is for no parameter that is trained";
    if (!step.empty())
      diagnostic << ": the losses of step '" << step << "' depend on no such";
    return diagnostic;
  }
  return success();
}

/// Divides `trained` among `updates`. Fails after a diagnostic where an update
/// has no parameter; or where a parameter has no update, unless `step` is one
/// of several, which trains what it names.
static FailureOr<SmallVector<AssignedUpdate>>
assignUpdates(ModelOp model, StringRef step, ArrayRef<ReadOp> trained,
              ArrayRef<RecipeUpdate> updates) {
  FailureOr<SmallVector<AssignedUpdate>> assigned =
      matchUpdates(model, updates);
  if (failed(assigned))
    return failure();
  for (ReadOp read : trained) {
    AssignedUpdate *update = findUpdate(read.getParameter(), *assigned);
    if (update)
      update->parameters.push_back(read);
    else if (step.empty())
      return emitError(read.getLoc()) << "no update of the recipe is for "
                                         "parameter '"
                                      << read.getParameter() << '\'';
  }
  if (failed(checkUseful(model, step, *assigned)))
    return failure();
  return assigned;
}

/// Adds the update of `assigned` to the end of a training step.
static void buildUpdate(const AssignedUpdate &assigned, OpBuilder &b,
                        const IRMapping &mapping,
                        const DenseMap<Value, Value> &gradients, Location loc) {
  SmallVector<Value> values;
  SmallVector<Attribute> names;
  for (ReadOp read : assigned.parameters) {
    values.push_back(gradients.lookup(mapping.lookup(read.getResult())));
    names.push_back(read.getParameterAttr());
  }
  const RecipeUpdate &update = assigned.update;
  FlatSymbolRefAttr counter, rate;
  if (!update.name.empty()) {
    counter = FlatSymbolRefAttr::get(b.getContext(), counterNameOf(update));
    rate = FlatSymbolRefAttr::get(b.getContext(), rateNameOf(update));
  }
  auto optimize =
      OptimizeOp::create(b, loc, b.getArrayAttr(names), values, counter, rate);
  for (NamedAttribute setting : update.settings)
    optimize->setAttr(setting.getName(), setting.getValue());
}

/// The reads of all parameters that `updates` change.
static SmallVector<ReadOp> listUpdated(ArrayRef<AssignedUpdate> updates) {
  SmallVector<ReadOp> updated;
  for (const AssignedUpdate &update : updates)
    llvm::append_range(updated, update.parameters);
  return updated;
}

LogicalResult buildTrainingEntry(ModelOp model, StringRef step, StringRef name,
                                 ArrayRef<EntryResult> results,
                                 ArrayRef<RecipeUpdate> updates) {
  FailureOr<SmallVector<ReadOp>> trained =
      findTrained(model, results.front().value);
  if (failed(trained))
    return failure();
  FailureOr<SmallVector<AssignedUpdate>> assigned =
      assignUpdates(model, step, *trained, updates);
  if (failed(assigned))
    return failure();
  if (step.empty())
    warnOfOthers(model, *trained);
  IRMapping mapping;
  FailureOr<func::FuncOp> function =
      buildFunction(model, name, results, mapping);
  if (failed(function))
    return failure();
  OpBuilder b(function->front().getTerminator());
  (*function)->setAttr(kTrainingAttr, b.getUnitAttr());

  // Of the model's only step in the order in which it reads them.
  SmallVector<ReadOp> updated =
      step.empty() ? *trained : listUpdated(*assigned);
  SmallVector<Value> variables = llvm::map_to_vector(
      updated, [&](ReadOp read) { return mapping.lookup(read.getResult()); });
  GradientOp gradient = buildGradient(*function, variables);
  DenseMap<Value, Value> gradients;
  for (auto [variable, value] :
       llvm::zip_equal(variables, gradient.getGradients()))
    gradients[variable] = value;
  // An update belongs to no line of the model, nor to the loss's.
  for (const AssignedUpdate &update : *assigned)
    buildUpdate(update, b, mapping, gradients, model.getLoc());
  return success();
}

void warnUntrained(ModelOp model, ArrayRef<RecipeUpdate> updates) {
  FailureOr<SmallVector<AssignedUpdate>> matched = matchUpdates(model, updates);
  if (failed(matched))
    return;
  for (ReadOp read : findAllTrainable(model))
    if (!findUpdate(read.getParameter(), *matched))
      emitWarning(read.getLoc()) << "parameter '" << read.getParameter()
                                 << "' is not trained: no step updates it";
}

/// The results of @gradients are called after what they are gradients of.
static LogicalResult checkGradientNames(ModelOp model,
                                        ArrayRef<ReadOp> trained) {
  llvm::StringMap<Location> places;
  places.try_emplace("loss", model.getLoc());
  auto add = [&](StringRef name, Location location) -> LogicalResult {
    auto [first, isNew] = places.try_emplace(name, location);
    if (isNew)
      return success();
    InFlightDiagnostic diagnostic = emitError(location)
                                    << "the gradient of '" << name
                                    << "' has the name of another result of "
                                       "'gradients'; rename this";
    diagnostic.attachNote(first->second) << "the other is here";
    return diagnostic;
  };
  for (ReadOp read : trained)
    if (failed(add(read.getParameter(), read.getLoc())))
      return failure();
  for (BlockArgument argument : getBody(model).getArguments()) {
    auto name =
        model.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kNameAttr);
    bool isFloat = isa<FloatType>(getElementTypeOrSelf(argument));
    if (name && isFloat && failed(add(name, argument.getLoc())))
      return failure();
  }
  return success();
}

/// Names the results of the entry point `function` behind the loss.
static void nameGradients(func::FuncOp function,
                          ArrayRef<std::pair<Attribute, StringRef>> names) {
  Builder b(function.getContext());
  SmallVector<DictionaryAttr> attributes = {function.getResultAttrDict(0)};
  for (auto [name, kind] : names)
    attributes.push_back(b.getDictionaryAttr(
        {b.getNamedAttr(kNameAttr, name),
         b.getNamedAttr(kResultAttr, b.getStringAttr(kind))}));
  function.setAllResultAttrs(attributes);
}

/// Those of `trained` that `updates` change. Fails after a diagnostic.
static FailureOr<SmallVector<ReadOp>>
keepUpdated(ModelOp model, ArrayRef<ReadOp> trained,
            ArrayRef<RecipeUpdate> updates) {
  FailureOr<SmallVector<AssignedUpdate>> matched = matchUpdates(model, updates);
  if (failed(matched))
    return failure();
  SmallVector<ReadOp> kept;
  for (ReadOp read : trained)
    if (findUpdate(read.getParameter(), *matched))
      kept.push_back(read);
  return kept;
}

LogicalResult buildGradientsEntry(ModelOp model, StringRef step, StringRef name,
                                  EntryResult loss,
                                  ArrayRef<RecipeUpdate> updates) {
  FailureOr<SmallVector<ReadOp>> trained = findTrained(model, loss.value);
  if (succeeded(trained) && step.empty())
    warnOfOthers(model, *trained);
  else if (succeeded(trained))
    trained = keepUpdated(model, *trained, updates);
  if (failed(trained) || failed(checkGradientNames(model, *trained)))
    return failure();
  IRMapping mapping;
  FailureOr<func::FuncOp> built = buildFunction(model, name, loss, mapping);
  if (failed(built))
    return failure();
  func::FuncOp function = *built;
  OpBuilder b(function.front().getTerminator());
  function->setAttr(kTrainingAttr, b.getUnitAttr());
  function->setAttr(kStateStaysAttr, b.getUnitAttr());

  SmallVector<Value> variables;
  SmallVector<std::pair<Attribute, StringRef>> names;
  for (ReadOp read : *trained) {
    variables.push_back(mapping.lookup(read.getResult()));
    names.emplace_back(b.getStringAttr(read.getParameter()), kGradientKind);
  }
  for (BlockArgument argument : function.getArguments()) {
    if (!step.empty() || !isa<FloatType>(getElementTypeOrSelf(argument)))
      continue;
    variables.push_back(argument);
    names.emplace_back(function.getArgAttr(argument.getArgNumber(), kNameAttr),
                       kInputGradientKind);
  }
  GradientOp gradient = buildGradient(function, variables);
  Operation *terminator = function.front().getTerminator();
  terminator->insertOperands(1, gradient.getGradients());
  function.setType(b.getFunctionType(function.getArgumentTypes(),
                                     terminator->getOperandTypes()));
  nameGradients(function, names);
  return success();
}

} // namespace nnc
