// The names that entry points, their arguments and results go by in the IR.
#ifndef NNC_PASSES_ENTRYPOINTS_H
#define NNC_PASSES_ENTRYPOINTS_H

#include "llvm/ADT/StringRef.h"

namespace nnc {

// Functions.
inline constexpr llvm::StringLiteral kInitName = "init";
inline constexpr llvm::StringLiteral kTrainStepName = "train_step";
/// The gradients of a batch added to those before, where a recipe accumulates;
/// "train_step" adds its own and updates. Of one of several steps, behind its
/// name and a dot.
inline constexpr llvm::StringLiteral kAccumulateStepName = "accumulate_step";
inline constexpr llvm::StringLiteral kEvalStepName = "eval_step";
inline constexpr llvm::StringLiteral kPredictName = "predict";
/// The rate of the step before, where a schedule makes it.
inline constexpr llvm::StringLiteral kScheduledRateName = "scheduled_rate";
inline constexpr llvm::StringLiteral kGradientsName = "gradients";
inline constexpr llvm::StringLiteral kExplainName = "explain";
inline constexpr llvm::StringLiteral kGenerateName = "generate";
inline constexpr llvm::StringLiteral kRearrangeName = "generate_rearrange";

// Attributes of functions, arguments and results.
inline constexpr llvm::StringLiteral kTrainingAttr = "nnc.training";
/// Beside nnc.training: gradients are asked for, and state stays as it is.
inline constexpr llvm::StringLiteral kStateStaysAttr = "nnc.state_stays";
/// Beside nnc.training: gradients wait for an update, and no parameter changes.
inline constexpr llvm::StringLiteral kAccumulatesAttr = "nnc.accumulates";
/// Of state: what its value is appended to along dimension 1, once a token is
/// done.
inline constexpr llvm::StringLiteral kAppendsToAttr = "nnc.appends_to";
/// Of state: the parameter or buffer that it is the average of, a symbol, and
/// the scalars that count its updates together, one a training step that makes
/// some.
inline constexpr llvm::StringLiteral kAverageOfAttr = "nnc.average_of";
inline constexpr llvm::StringLiteral kCountersAttr = "nnc.counters";
/// Of state: the parameter whose value it is, rounded to its type; a symbol.
inline constexpr llvm::StringLiteral kRoundedFromAttr = "nnc.rounded_from";
/// Of @generate: how many tokens a sequence may have; absent: any number.
inline constexpr llvm::StringLiteral kContextAttr = "nnc.context";
inline constexpr llvm::StringLiteral kNameAttr = "nnc.name";
/// Of a result: what it is, one of the kinds below.
inline constexpr llvm::StringLiteral kResultAttr = "nnc.result";
/// Of a result that is a metric: which values are better, as its record says.
inline constexpr llvm::StringLiteral kBetterAttr = "nnc.better";
/// Of a confusion matrix: the name of the argument that has the labels.
inline constexpr llvm::StringLiteral kClassesOfAttr = "nnc.classes_of";
inline constexpr llvm::StringLiteral kIndexLimitAttr = "nnc.index_limit";

/// Of the name of what a metric is read from over a set, behind the metric's.
inline constexpr llvm::StringLiteral kSumsSuffix = ".sums";
inline constexpr llvm::StringLiteral kScoresSuffix = ".scores";

// Kinds of results; those of sums and scores are the metrics' readings.
inline constexpr llvm::StringLiteral kLossKind = "loss";
inline constexpr llvm::StringLiteral kMetricKind = "metric";
inline constexpr llvm::StringLiteral kConfusionKind = "confusion";
inline constexpr llvm::StringLiteral kOutputKind = "output";
inline constexpr llvm::StringLiteral kGradientKind = "gradient";
inline constexpr llvm::StringLiteral kInputGradientKind = "input_gradient";
inline constexpr llvm::StringLiteral kLayerKind = "layer";
inline constexpr llvm::StringLiteral kLayerGradientKind = "layer_gradient";

// Scalars of state.
inline constexpr llvm::StringLiteral kSeedName = "seed";
inline constexpr llvm::StringLiteral kStepName = "step";
inline constexpr llvm::StringLiteral kLearningRateName = "learning_rate";
/// How many steps an epoch and the run have, which the session's owner says;
/// 0: not known.
inline constexpr llvm::StringLiteral kStepsPerEpochName = "steps_per_epoch";
inline constexpr llvm::StringLiteral kRunStepsName = "run_steps";
// Where a recipe accumulates: how many batches all steps have had, and how many
// batches and samples the gradients that wait for an update are of, which is of
// one of several steps behind its name and a dot.
inline constexpr llvm::StringLiteral kBatchesName = "batches";
inline constexpr llvm::StringLiteral kWaitingBatchesName = "waiting_batches";
inline constexpr llvm::StringLiteral kWaitingSamplesName = "waiting_samples";
/// How many tokens of the sequences @generate has taken.
inline constexpr llvm::StringLiteral kPositionName = "generation.position";

} // namespace nnc

#endif // NNC_PASSES_ENTRYPOINTS_H
