// Explanations of any model by what becomes of its score when features are
// taken away: occlusion, LIME, Shapley values.
#ifndef NNC_TOOLS_EXPLAIN_BYREMOVAL_H
#define NNC_TOOLS_EXPLAIN_BYREMOVAL_H

#include "tools/explain/Explanation.h"

namespace nnc::tools {

/// Score less the score without the feature (Zeiler and Fergus 2014,
/// arXiv:1311.2901).
runtime::StatusOr<Explanation> explainByOcclusion(const Question &question);

/// The weights of a linear model of the score near the sample, by weighted
/// least squares over `samples` samples of which each feature is there or not
/// with equal chance (Ribeiro, Singh and Guestrin 2016, arXiv:1602.04938). One
/// that keeps k of d features weighs exp(-(1 - sqrt(k / d))^2 / 0.25^2), which
/// is their kernel on the cosine distance. Errors are of the regression.
/// InvalidArgument unless there are more samples than features.
runtime::StatusOr<Explanation> explainByLime(const Question &question,
                                             int64_t samples, int64_t seed);

/// Shapley values: the mean of what a feature adds to the score of those before
/// it, over `permutations` random orders of the features, taken in pairs of an
/// order and its reverse, which err in opposite directions (Mitchell, Cooper,
/// Frank and Holmes 2022, arXiv:2104.12199). They add up to score less
/// baseline's score. Errors are of the mean over pairs; none where one pair
/// stands alone.
runtime::StatusOr<Explanation>
explainByShapley(const Question &question, int64_t permutations, int64_t seed);

} // namespace nnc::tools

#endif // NNC_TOOLS_EXPLAIN_BYREMOVAL_H
