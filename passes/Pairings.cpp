// See Pairings.h. What is warned of computes something, and mostly something
// else than was meant; a program says by an attribute or a cast that it means
// it.
#include "passes/Pairings.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nnc {

/// What computes the elements of `value`, in another shape or type at most;
/// null for an input.
static Operation *findProducer(Value value) {
  Operation *op = value.getDefiningOp();
  while (op && isa<CastOp, ReshapeOp, FlattenOp, TransposeOp, BroadcastOp>(op))
    op = op->getOperand(0).getDefiningOp();
  return op;
}

static StringRef nameOf(Operation *op) {
  return cast<Described>(op).getSignature().name;
}

/// What a sigmoid or a softmax computes; null for anything else.
static Operation *findProbabilities(Value value) {
  Operation *op = findProducer(value);
  return op && isa<SigmoidOp, SoftmaxOp>(op) ? op : nullptr;
}

/// What computes sums of products, which any number may be; null for anything
/// else.
static Operation *findUnlimited(Value value) {
  Operation *op = findProducer(value);
  bool isUnlimited =
      op && isa<DenseOp, MatmulOp, Conv1dOp, Conv2dOp, Conv3dOp,
                Conv1dTransposeOp, Conv2dTransposeOp, Conv3dTransposeOp>(op);
  return isUnlimited ? op : nullptr;
}

static void warn(Operation *op, Operation *producer, const Twine &text) {
  InFlightDiagnostic diagnostic = emitWarning(op->getLoc())
                                  << '\'' << nameOf(op) << "' " << text;
  diagnostic.attachNote(producer->getLoc())
      << "'" << nameOf(producer) << "' is here";
}

/// Of ops that always take logits.
static void checkLogits(Operation *op, Value logits) {
  if (Operation *producer = findProbabilities(logits)) {
    StringRef name = nameOf(producer);
    warn(op, producer,
         "takes logits, and is given the result of '" + name +
             "': give it what '" + name + "' is applied to");
  }
}

/// Of ops that are told what they take.
static void checkScores(Operation *op, Value given, Scores from) {
  if (from == Scores::probabilities) {
    if (Operation *producer = findUnlimited(given))
      warn(op, producer,
           "is told that it is given probabilities, and '" +
               Twine(nameOf(producer)) +
               "' gives any numbers: leave out from = probabilities");
    return;
  }
  if (Operation *producer = findProbabilities(given)) {
    StringRef name = nameOf(producer);
    warn(op, producer,
         "takes logits, and is given the result of '" + name +
             "': write from = probabilities, or give it what '" + name +
             "' is applied to");
  }
}

/// Rows of floats are one-hot to a metric, and something else to a loss that
/// takes each of their elements for itself.
static void checkRows(Operation *op, Value target) {
  if (!isa<FloatType>(getElementTypeOrSelf(target)))
    return;
  for (Operation *user : target.getUsers())
    if (isa<BceLogitsOp, BinaryCrossEntropyOp>(user)) {
      warn(op, user,
           "takes the rows of target as one-hot, of which the largest element "
           "counts, and '" +
               Twine(nameOf(user)) +
               "' takes each element for itself: for that, write cast(target, "
               "i32)");
      return;
    }
}

/// Of metrics that compare elements with a threshold, where it is not given. A
/// row that chooses a class chooses the same one before a softmax.
template <typename OpTy> static void checkDecisions(OpTy op) {
  Value prediction = op.getPrediction();
  if (isClassification(op.getPrediction().getType(), op.getTarget().getType()))
    return checkRows(op, op.getTarget());
  bool areLogits = op.getFrom() == Scores::logits;
  Operation *producer =
      areLogits ? findProbabilities(prediction) : findUnlimited(prediction);
  if (!producer || op.getThreshold())
    return;
  StringRef name = nameOf(producer);
  if (areLogits)
    warn(op, producer,
         "decides for all above 0, which every result of '" + name +
             "' is: write from = probabilities, or give it what '" + name +
             "' is applied to");
  else
    warn(op, producer,
         "decides for all above 1/2, and '" + name +
             "' gives any numbers: leave out from = probabilities");
}

/// Of metrics that order samples by their scores: an order that a sigmoid leaves
/// as it is, and a softmax over the classes of a row does not.
template <typename OpTy> static void checkAreas(OpTy op) {
  if (isClassification(op.getPrediction().getType(), op.getTarget().getType()))
    checkScores(op, op.getPrediction(), op.getFrom());
}

static void checkBinaryCrossEntropy(BinaryCrossEntropyOp op) {
  if (Operation *producer = findUnlimited(op.getProbability()))
    warn(op, producer,
         "takes probabilities, and is given the result of '" +
             Twine(nameOf(producer)) +
             "', which is any number: write bce_logits in its place");
}

/// A byte a sample names a class more often than it is a number.
template <typename OpTy> static void checkNumbers(OpTy op) {
  RankedTensorType type = op.getTarget().getType();
  bool isByte = type.getElementType().isUnsignedInteger(8);
  bool isOne = llvm::all_of(type.getShape().drop_front(type.getRank() ? 1 : 0),
                            [](int64_t dim) { return dim == 1; });
  if (!isByte || !isOne || !isa<BlockArgument>(op.getTarget()))
    return;
  emitWarning(op.getLoc())
      << '\'' << nameOf(op) << "' takes target, " << printType(type)
      << ", as numbers: where they name classes write cross_entropy, with a "
         "logit for each class, or bce_logits where there are two; cast(..., "
         "f32) says that they are numbers";
}

static void checkSoftmax(SoftmaxOp op) {
  RankedTensorType type = op.getX().getType();
  int64_t axis = op.getAxis();
  if (axis < 0)
    axis += type.getRank();
  if (type.getDimSize(axis) == 1)
    emitWarning(op.getLoc())
        << "'softmax' is over 1 element of " << printType(type)
        << ", and always 1: did you mean sigmoid?";
}

void warnOfPairings(ModelOp model) {
  model.walk([](Operation *op) {
    llvm::TypeSwitch<Operation *>(op)
        .Case<CrossEntropyOp, BceLogitsOp, FocalLossOp, PerplexityOp,
              BitsPerByteOp>([](auto op) { checkLogits(op, op.getLogits()); })
        .Case<KlDivergenceOp, DiceLossOp>(
            [](auto op) { checkScores(op, op.getLogits(), op.getFrom()); })
        .Case<LogLossOp, BrierScoreOp, ExpectedCalibrationErrorOp>(
            [](auto op) { checkScores(op, op.getPrediction(), op.getFrom()); })
        .Case<RocAucOp, AveragePrecisionOp>([](auto op) { checkAreas(op); })
        .Case<AccuracyOp, PrecisionOp, RecallOp, F1Op, FBetaOp, MeanIouOp,
              BalancedAccuracyOp, MccOp, CohenKappaOp>(
            [](auto op) { checkDecisions(op); })
        .Case<BinaryCrossEntropyOp>(
            [](auto op) { checkBinaryCrossEntropy(op); })
        .Case<MseOp, MaeOp, HuberOp, SmoothL1Op, LogCoshOp>(
            [](auto op) { checkNumbers(op); })
        .Case<SoftmaxOp>([](auto op) { checkSoftmax(op); });
  });
}

} // namespace nnc
