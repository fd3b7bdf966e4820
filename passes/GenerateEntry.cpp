// Which input has the tokens and which output what may come next; and "predict"
// at one position.
#include "passes/GenerateEntry.h"

#include "passes/EntryPoints.h"
#include "passes/ExpandComposites.h"
#include "passes/SequenceStep.h"

#include "ir/Expr.h"
#include "ir/Ops.h"
#include "ir/Shapes.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nnc {

static StringRef nameOf(func::FuncOp function, unsigned argument) {
  return function.getArgAttrOfType<StringAttr>(argument, kNameAttr).getValue();
}

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Tokens and logits
//===----------------------------------------------------------------------===//

/// Whether it may have tokens: whole numbers, [batch, time].
static bool mayBeTokens(Value value) {
  RankedTensorType type = typeOf(value);
  auto integer = dyn_cast<IntegerType>(type.getElementType());
  return integer && integer.getWidth() >= 32 && type.getRank() == 2 &&
         type.isDynamicDim(0) && !type.isDynamicDim(1);
}

/// The one among `inputs` that takes as many tokens as there are logits; none
/// where several do.
static std::optional<unsigned>
findByLimit(func::FuncOp predict, ArrayRef<unsigned> inputs, Value logits) {
  std::optional<unsigned> found;
  for (unsigned index : inputs) {
    auto limit = predict.getArgAttrOfType<IntegerAttr>(index, kIndexLimitAttr);
    if (!limit || limit.getInt() != typeOf(logits).getShape().back())
      continue;
    if (found)
      return std::nullopt;
    found = index;
  }
  return found;
}

/// The input of that name, else the one that may have tokens, else the one of
/// those that is called "tokens", or that takes what `logits` are of.
static FailureOr<unsigned> findTokens(func::FuncOp predict, StringRef given,
                                      Value logits) {
  SmallVector<unsigned> found;
  SmallVector<StringRef> names;
  for (BlockArgument argument : predict.getArguments()) {
    if (!mayBeTokens(argument))
      continue;
    found.push_back(argument.getArgNumber());
    names.push_back(nameOf(predict, argument.getArgNumber()));
  }
  StringRef wanted = given.empty() && found.size() > 1 ? "tokens" : given;
  for (unsigned index : found)
    if (wanted.empty() || nameOf(predict, index) == wanted)
      return index;
  if (given.empty())
    if (std::optional<unsigned> index = findByLimit(predict, found, logits))
      return *index;
  InFlightDiagnostic diagnostic = emitError(predict.getLoc());
  if (found.empty())
    return diagnostic << "the model generates nothing: no input of its outputs "
                         "is of tokens, i32[batch, time]";
  return diagnostic << "no input of tokens is called '" << wanted
                    << "'; there are " << llvm::join(names, ", ")
                    << ": name one as --generate-input";
}

/// Whether it may be logits: a number for each token, at each position or at
/// the last.
static bool mayBeLogits(Value value) {
  RankedTensorType type = typeOf(value);
  return isa<FloatType>(type.getElementType()) && type.isDynamicDim(0) &&
         (type.getRank() == 3 || type.getRank() == 2);
}

/// The output of that name, else the one called "logits", else the only one.
static FailureOr<Value> findLogits(func::FuncOp predict, StringRef given) {
  Operation *results = predict.front().getTerminator();
  SmallVector<Value> found;
  SmallVector<StringRef> names;
  for (auto [index, value] : llvm::enumerate(results->getOperands())) {
    auto name = predict.getResultAttrOfType<StringAttr>(index, kNameAttr);
    bool isNamed =
        name.getValue() == (given.empty() ? StringRef(kLogitsName) : given);
    if (isNamed && mayBeLogits(value))
      return value;
    if (!mayBeLogits(value))
      continue;
    found.push_back(value);
    names.push_back(name);
  }
  if (given.empty() && found.size() == 1)
    return found.front();
  InFlightDiagnostic diagnostic = emitError(predict.getLoc());
  if (found.empty())
    return diagnostic << "the model generates nothing: no output has a number "
                         "for each token, f32[batch, time, tokens]";
  return diagnostic << "no output is called '"
                    << (given.empty() ? StringRef(kLogitsName) : given)
                    << "'; there are " << llvm::join(names, ", ")
                    << ": name one as --generate-output";
}

/// Where probabilities are asked for, what they are computed of.
static Value skipSoftmax(Value value) {
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<SoftmaxOp, LogSoftmaxOp>(op))
    return op->getOperand(0);
  return value;
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

namespace {
struct GeneratedFunction {
  func::FuncOp predict, step;
  BlockArgument tokens;
  Value logits;
};
} // namespace

/// An empty function that takes what `predict` takes, for so many sequences,
/// and of the tokens one.
static func::FuncOp declareStep(func::FuncOp predict, unsigned tokens,
                                int64_t sequences) {
  OpBuilder b(predict);
  auto step = func::FuncOp::create(b, predict.getLoc(), kGenerateName,
                                   b.getFunctionType({}, {}));
  Block *body = step.addEntryBlock();
  SmallVector<Type> types;
  for (BlockArgument argument : predict.getArguments()) {
    auto shape = llvm::to_vector(typeOf(argument).getShape());
    llvm::replace(shape, ShapedType::kDynamic, sequences);
    if (argument.getArgNumber() == tokens)
      shape[1] = 1;
    types.push_back(typeOf(argument).clone(shape));
    body->addArgument(types.back(), argument.getLoc());
  }
  step.setType(b.getFunctionType(types, {}));
  for (unsigned i = 0; i < types.size(); ++i)
    step.setArgAttrs(i, predict.getArgAttrDict(i));
  return step;
}

/// Rewrites the ops of `predict`, of which those that others define are
/// replaced by their definitions where they depend on the tokens.
static LogicalResult rewriteBody(func::FuncOp predict, SequenceStep &step) {
  Block &body = predict.front();
  for (Operation *op = &body.front(); op != body.getTerminator();) {
    bool isStepped = llvm::any_of(op->getOperands(), [&](Value operand) {
      return step.isStepped(operand);
    });
    auto composite = dyn_cast<Composite>(op);
    if (composite && isStepped && !step.hasRule(*op)) {
      Operation *before = op->getPrevNode();
      if (failed(expandComposite(composite, /*training=*/false)))
        return failure();
      op = before ? before->getNextNode() : &body.front();
      continue;
    }
    if (failed(step.rewrite(*op)))
      return failure();
    op = op->getNextNode();
  }
  return success();
}

/// Has `step` return `logits` as [sequences, tokens].
static LogicalResult returnLogits(func::FuncOp step, AtPosition logits,
                                  Location loc) {
  OpBuilder builder = OpBuilder::atBlockEnd(&step.front());
  ImplicitLocOpBuilder b(loc, builder);
  Expr value(b, logits.value);
  const int64_t rank = value.rank();
  const bool isOfTime = logits.axis && rank == 3 && *logits.axis == 1;
  const bool isOfLast = !logits.axis && rank == 2;
  if (!isOfTime && !isOfLast)
    return emitError(loc)
           << "the output of the next token must be [batch, time, "
              "tokens], or [batch, tokens] of the last position";
  value = reshape(value, {value.dim(0), value.dim(-1)});
  func::ReturnOp::create(b, Value(value));
  step.setType(
      b.getFunctionType(step.getArgumentTypes(), Value(value).getType()));
  step.setResultAttr(0, kNameAttr, b.getStringAttr("logits"));
  step.setResultAttr(0, kResultAttr, b.getStringAttr(kOutputKind));
  return success();
}

/// Has `function` return `value`, and do nothing else.
static void returnAlone(func::FuncOp function, Value value) {
  Block &body = function.front();
  body.getTerminator()->setOperands(value);
  SmallVector<Operation *> ops = llvm::map_to_vector(
      body.without_terminator(), [](Operation &op) { return &op; });
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op))
      op->erase();
}

/// Makes @generate_rearrange, which has sequence i go on from where sequence
/// origins[i] is.
static void buildRearrangement(func::FuncOp step, int64_t sequences,
                               ArrayRef<RearrangedState> states) {
  OpBuilder builder(step->getContext());
  builder.setInsertionPointAfter(step);
  auto type = RankedTensorType::get({sequences}, builder.getI32Type());
  auto function = func::FuncOp::create(builder, step.getLoc(), kRearrangeName,
                                       builder.getFunctionType(type, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  function.setArgAttr(0, kNameAttr, builder.getStringAttr("origins"));
  function.setArgAttr(0, kIndexLimitAttr, builder.getI64IntegerAttr(sequences));
  ImplicitLocOpBuilder b(step.getLoc(), builder);
  Expr origins(b, function.getArgument(0));
  SmallVector<Expr> moved;
  for (RearrangedState entry : states) {
    Value state =
        ReadOp::create(b, entry.state.getType(), entry.state.getSymName());
    moved.push_back(gather(Expr(b, state), origins, entry.axis));
  }
  for (auto [entry, value] : llvm::zip_equal(states, moved)) {
    ParameterOp state = entry.state;
    AssignOp::create(b, state.getSymName(), Value(value));
  }
  func::ReturnOp::create(b);
}

LogicalResult buildGenerateEntry(func::FuncOp predict,
                                 const GenerateOptions &options) {
  FailureOr<Value> logits = findLogits(predict, options.output);
  if (failed(logits))
    return failure();
  FailureOr<unsigned> tokens = findTokens(predict, options.input, *logits);
  if (failed(tokens))
    return failure();
  Value wanted = skipSoftmax(*logits);
  returnAlone(predict, wanted);

  BlockArgument sequence = predict.getArgument(*tokens);
  const int64_t length = typeOf(sequence).getDimSize(1);
  func::FuncOp function = declareStep(predict, *tokens, options.sequences);
  SequenceStep step(predict->getParentOfType<ModuleOp>(), function,
                    options.sequences, length);
  for (BlockArgument argument : predict.getArguments())
    step.mapWhole(argument, function.getArgument(argument.getArgNumber()));
  step.mapStepped(sequence, {function.getArgument(*tokens), 1});
  if (failed(rewriteBody(predict, step)))
    return failure();
  // What it was may have been replaced by its definition.
  wanted = predict.front().getTerminator()->getOperand(0);
  if (!step.isStepped(wanted))
    return emitError(wanted.getLoc())
           << "the output of the next token does not depend on the tokens";
  step.finish();
  if (failed(returnLogits(function, step.lookup(wanted), wanted.getLoc())))
    return failure();
  if (step.hasLimit())
    function->setAttr(kContextAttr,
                      OpBuilder(function).getI64IntegerAttr(length));
  predict.erase();
  if (options.sequences > 1)
    buildRearrangement(function, options.sequences, step.getRearranged());
  return success();
}

} // namespace nnc
