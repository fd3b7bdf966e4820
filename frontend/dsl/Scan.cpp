// Loops over time: `h, all = scan(cell, over = x, from = zeros([64]))`. The
// cell is a function of the program, of which one step is made.
#include "frontend/dsl/Emitter.h"

#include "ir/ScanBuilder.h"
#include "ir/Scopes.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc::dsl {

/// One scan: its arguments, its step, its results.
class ScanCall {
public:
  ScanCall(Emitter &emitter, const CallExpr &call)
      : emitter(emitter), call(call),
        b(withScope(emitter.diagnostics.location(call.loc),
                    emitter.frame->scope->path),
          emitter.builder) {}

  Datum build();

private:
  bool bind();
  const FunctionDecl *findCell(const Expression &expression);
  bool bindTensors(const Expression &expression,
                   SmallVectorImpl<Expr> &tensors);
  bool bindSlices(const Expression &expression);
  bool bindStates(const Expression &expression, bool hasLengths);
  bool bindSteps(const Argument *steps);
  bool bindLengths(const Expression &expression);
  bool checkCell();
  FailureOr<ScanOp> buildLoop();
  bool checkStep(ArrayRef<mlir::Value> carried, const Datum &result,
                 SmallVectorImpl<Expr> &next, SmallVectorImpl<Expr> &kept);
  bool withSamples(Expr &value, StringRef what);
  Datum results(ScanOp scan);

  Emitter &emitter;
  const CallExpr &call;
  ImplicitLocOpBuilder b;

  const FunctionDecl *cell = nullptr;
  SmallVector<Expr> slices; // the first dimension is time
  SmallVector<Expr> states;
  SmallVector<Expr> shared; // by all steps
  Expr lengths;
  int64_t axis = 1;
  int64_t numSteps = 0;
  bool reverse = false;
};

const FunctionDecl *ScanCall::findCell(const Expression &expression) {
  auto *name = llvm::dyn_cast<NameExpr>(&expression);
  auto found =
      name ? emitter.functions.find(name->name) : emitter.functions.end();
  if (found != emitter.functions.end())
    return found->second;
  std::vector<StringRef> names;
  for (auto &entry : emitter.functions)
    names.push_back(entry.getKey());
  emitter.error(expression.loc,
                "'scan' expects the name of a function as its cell" +
                    (name ? suggestion(name->name, names) : std::string()));
  return nullptr;
}

/// A tensor, a number, or a list of them.
bool ScanCall::bindTensors(const Expression &expression,
                           SmallVectorImpl<Expr> &tensors) {
  Datum value = emitter.evaluate(expression);
  if (value.isError())
    return false;
  std::vector<Datum> values = {value};
  bool isList = value.isList() && llvm::any_of(value.list(), [](auto &element) {
                  return element.isTensor() || element.isList();
                });
  if (isList)
    values = value.list();
  for (const Datum &element : values) {
    mlir::Value tensor =
        emitter.toTensor(element, emitter.builder.getF32Type(), expression.loc);
    if (!tensor)
      return false;
    tensors.push_back(Expr(b, tensor));
  }
  return true;
}

bool ScanCall::bindSlices(const Expression &expression) {
  SmallVector<Expr> tensors;
  if (!bindTensors(expression, tensors))
    return false;
  for (Expr tensor : tensors) {
    auto reject = [&](const Twine &what) {
      emitter.error(expression.loc,
                    "'scan' goes over axis " + Twine(axis) + " of " +
                        printType(tensor.type()) + ", " + what,
                    emitter.explainOperands(mlir::Value(tensor)));
      return false;
    };
    if (axis < 0 || axis >= tensor.rank())
      return reject("which has no such axis");
    int64_t size = tensor.dim(axis);
    if (size < 0)
      return reject("which is the batch; the number of steps must be known");
    if (numSteps && size != numSteps)
      return reject("which has " + Twine(size) + " steps, and not " +
                    Twine(numSteps));
    numSteps = size;
    slices.push_back(moveToFront(tensor, axis));
  }
  return true;
}

/// Has `value` be a part a sample: what has no batch is the same for each. An
/// error where the batch is elsewhere.
bool ScanCall::withSamples(Expr &value, StringRef what) {
  SmallVector<int64_t> dims = value.dims();
  if (!dims.empty() && dims.front() < 0)
    return true;
  if (llvm::any_of(dims, [](int64_t size) { return size < 0; })) {
    emitter.error(call.loc, what +
                                " of a step with 'lengths' has the batch as "
                                "its first dimension, found " +
                                printType(value.type()));
    return false;
  }
  dims.insert(dims.begin(), -1);
  value = broadcast(value, dims);
  return true;
}

/// States without a batch are the same for every sample.
bool ScanCall::bindStates(const Expression &expression, bool hasLengths) {
  if (!bindTensors(expression, states))
    return false;
  bool hasBatch = llvm::any_of(
      slices, [](Expr slice) { return slice.rank() > 1 && slice.dim(1) < 0; });
  for (Expr &state : states) {
    bool isOfAll = state.type().hasStaticShape();
    if ((hasLengths || (hasBatch && isOfAll)) &&
        !withSamples(state, "the state"))
      return false;
  }
  return true;
}

bool ScanCall::bindSteps(const Argument *steps) {
  if (!steps && numSteps)
    return true;
  if (!steps) {
    emitter.error(call.loc, "'scan' needs 'over', what it goes over, or "
                            "'steps', how often it runs");
    return false;
  }
  std::optional<int64_t> given =
      emitter.expectInteger(*steps->value, "the number of steps");
  if (!given)
    return false;
  if (*given < 1 || *given > kMostSteps || (numSteps && *given != numSteps)) {
    emitter.error(steps->value->loc,
                  numSteps ? "'scan' goes over " + Twine(numSteps) +
                                 " steps, and 'steps' is " + Twine(*given)
                           : Twine("'steps' is ") + Twine(*given) +
                                 ": expected 1 to " + Twine(kMostSteps));
    return false;
  }
  numSteps = *given;
  return true;
}

bool ScanCall::bindLengths(const Expression &expression) {
  Datum value = emitter.evaluate(expression);
  if (value.isError())
    return false;
  auto type = value.isTensor()
                  ? cast<RankedTensorType>(value.tensor().getType())
                  : RankedTensorType();
  if (!type || type.getRank() != 1 || !type.isDynamicDim(0) ||
      !type.getElementType().isInteger() ||
      type.getElementType().isInteger(1)) {
    emitter.error(expression.loc,
                  "expected a length of each sample, as i32[batch], as "
                  "'lengths', found " +
                      (type ? printType(type) : value.describe()));
    return false;
  }
  lengths = Expr(b, value.tensor());
  return true;
}

bool ScanCall::bind() {
  static constexpr StringRef kNames[] = {
      "cell", "over", "from", "axis", "reverse", "lengths", "steps", "shared"};
  auto matched = emitter.matchArguments(call, kNames);
  if (!matched)
    return false;
  const Argument *cellArgument = (*matched)[0], *over = (*matched)[1],
                 *from = (*matched)[2], *axisArgument = (*matched)[3],
                 *reverseArgument = (*matched)[4],
                 *lengthsArgument = (*matched)[5], *steps = (*matched)[6],
                 *sharedArgument = (*matched)[7];
  for (auto [argument, name] :
       {std::pair(cellArgument, kNames[0]), std::pair(from, kNames[2])})
    if (!argument) {
      emitter.missingArgument(call, name, kNames);
      return false;
    }
  cell = findCell(*cellArgument->value);
  if (!cell)
    return false;
  if (axisArgument) {
    auto given = emitter.expectInteger(*axisArgument->value, "an axis");
    if (!given)
      return false;
    axis = *given;
  }
  if (reverseArgument) {
    auto given = emitter.expectCondition(*reverseArgument->value, "'reverse'");
    if (!given)
      return false;
    reverse = *given;
  }
  return (!over || bindSlices(*over->value)) &&
         bindStates(*from->value, lengthsArgument) && bindSteps(steps) &&
         (!lengthsArgument || bindLengths(*lengthsArgument->value)) &&
         (!sharedArgument || bindTensors(*sharedArgument->value, shared)) &&
         checkCell();
}

/// "1 state", "2 states".
static std::string counted(size_t count, StringRef what) {
  return (Twine(count) + " " + what + (count == 1 ? "" : "s")).str();
}

bool ScanCall::checkCell() {
  size_t given = slices.size() + states.size() + shared.size();
  size_t needed = llvm::count_if(
      cell->parameters, [](const Parameter &p) { return !p.defaultValue; });
  if (given >= needed && given <= cell->parameters.size())
    return true;
  emitter.error(
      call.loc,
      "'scan' gives '" + cell->name.name + "' " +
          counted(slices.size(), "slice") + (shared.empty() ? " and " : ", ") +
          counted(states.size(), "state") +
          (shared.empty() ? std::string()
                          : " and " + counted(shared.size(), "shared value")) +
          ", and it takes " + counted(cell->parameters.size(), "argument"),
      Note{cell->name.loc, "'" + cell->name.name.str() + "' is defined here"});
  return false;
}

/// Takes the step's result apart: states first, and what else is kept.
bool ScanCall::checkStep(ArrayRef<mlir::Value> carried, const Datum &result,
                         SmallVectorImpl<Expr> &next,
                         SmallVectorImpl<Expr> &kept) {
  if (result.isError())
    return false;
  Note definition{cell->name.loc,
                  "'" + cell->name.name.str() + "' is defined here"};
  std::vector<Datum> values = {result};
  if (result.isList())
    values = result.list();
  if (values.size() < states.size()) {
    emitter.error(
        call.loc,
        "'" + cell->name.name + "' returns " + counted(values.size(), "value") +
            ": expected the next of " + counted(states.size(), "state"),
        definition);
    return false;
  }
  for (auto [i, value] : llvm::enumerate(values)) {
    bool isState = i < carried.size();
    Type elementType = isState ? getElementTypeOrSelf(carried[i].getType())
                               : Type(emitter.builder.getF32Type());
    mlir::Value tensor = emitter.toTensor(value, elementType, call.loc);
    if (!tensor)
      return false;
    if (isState && tensor.getType() != carried[i].getType()) {
      emitter.error(call.loc,
                    "'" + cell->name.name + "' returns " +
                        printType(tensor.getType()) +
                        " as the next state, and the state before is " +
                        printType(carried[i].getType()),
                    definition);
      return false;
    }
    (isState ? next : kept).push_back(Expr(b, tensor));
  }
  return true;
}

FailureOr<ScanOp> ScanCall::buildLoop() {
  SmallVector<mlir::Value> initial(states.begin(), states.end());
  SmallVector<mlir::Value> over(slices.begin(), slices.end());
  if (lengths)
    over.push_back(isWithinLengths(lengths, numSteps));
  ScanBuilder loop(b, initial, over, numSteps, reverse);

  SmallVector<Datum> given; // slices, states, what is shared
  SmallVector<mlir::Value> carried;
  for (unsigned i = 0; i < slices.size(); ++i)
    given.push_back(Datum(loop.slice(i)));
  for (unsigned i = 0; i < states.size(); ++i) {
    carried.push_back(loop.carried(i));
    given.push_back(Datum(carried.back()));
  }
  for (Expr whole : shared)
    given.push_back(Datum(mlir::Value(whole)));
  OpBuilder::InsertionGuard guard(emitter.builder);
  emitter.builder.setInsertionPointToEnd(&loop.body());
  Datum result = emitter.callWith(call, *cell, given);

  ImplicitLocOpBuilder inner(b.getLoc(), emitter.builder);
  SmallVector<Expr> next, kept;
  if (!checkStep(carried, result, next, kept))
    return failure();
  if (kept.empty())
    kept = next;
  SmallVector<mlir::Value> nextValues, keptValues;
  if (lengths) {
    Expr mask(inner, loop.slice(slices.size()));
    for (auto [i, value] : llvm::enumerate(next))
      nextValues.push_back(
          selectSamples(mask, Expr(inner, value), Expr(inner, carried[i])));
    for (Expr value : kept) {
      Expr all(inner, value);
      if (!withSamples(all, "what is kept"))
        return failure();
      keptValues.push_back(selectSamples(mask, all, scalar(all, 0.0)));
    }
  } else {
    nextValues.assign(next.begin(), next.end());
    keptValues.assign(kept.begin(), kept.end());
  }
  return loop.finish(nextValues, keptValues);
}

/// The last states, then what is kept of all steps, time where it was.
Datum ScanCall::results(ScanOp scan) {
  Datum::List values;
  for (mlir::Value last : scan.getLast())
    values.push_back(Datum(last));
  for (mlir::Value stacked : scan.getStacked()) {
    Expr all(b, stacked);
    values.push_back(
        Datum(mlir::Value(moveFromFront(all, std::min(axis, all.rank() - 1)))));
  }
  return Datum(std::move(values));
}

Datum ScanCall::build() {
  if (!emitter.frame)
    return emitter.error(call.loc, "a constant cannot hold a tensor");
  if (!bind())
    return {};
  FailureOr<ScanOp> scan = buildLoop();
  return failed(scan) ? Datum() : results(*scan);
}

Datum Emitter::evaluateScan(const CallExpr &call) {
  return ScanCall(*this, call).build();
}

} // namespace nnc::dsl
