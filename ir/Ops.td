// Every op of the dialect: one include a family.
#ifndef NNC_OPS_TD
#define NNC_OPS_TD

include "ir/Dialect.td"
include "ir/Attributes.td"
include "ir/Types.td"
include "ir/ops/Constant.td"
include "ir/ops/Elementwise.td"
include "ir/ops/Contraction.td"
include "ir/ops/Convolution.td"
include "ir/ops/Reduction.td"
include "ir/ops/Movement.td"
include "ir/ops/Window.td"
include "ir/ops/Random.td"
include "ir/ops/Neural.td"
include "ir/ops/Normalization.td"
include "ir/ops/Attention.td"
include "ir/ops/Positions.td"
include "ir/ops/Loss.td"
include "ir/ops/Regression.td"
include "ir/ops/Similarity.td"
include "ir/ops/Metric.td"
include "ir/ops/Decisions.td"
include "ir/ops/Scores.td"
include "ir/ops/Training.td"
include "ir/ops/Schedule.td"
include "ir/ops/Alignment.td"
include "ir/ops/State.td"
include "ir/ops/Fusion.td"
include "ir/ops/Scan.td"
include "ir/ops/Recurrence.td"

#endif // NNC_OPS_TD
