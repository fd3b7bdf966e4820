// Explanations by gradients: saliency, integrated gradients, Grad-CAM. They ask
// for the entry point "explain".
#ifndef NNC_TOOLS_EXPLAIN_BYGRADIENTS_H
#define NNC_TOOLS_EXPLAIN_BYGRADIENTS_H

#include "tools/explain/Explanation.h"

namespace nnc::tools {

/// The score's gradient. Of a picture its largest magnitude over the channels
/// (Simonyan, Vedaldi and Zisserman 2014, arXiv:1312.6034).
runtime::StatusOr<Explanation> explainBySaliency(const Question &question);

/// (x - baseline) times the mean gradient on the straight line from one to the
/// other, by the midpoint rule with `steps` points; of a picture the sum over
/// the channels (Sundararajan, Taly and Yan 2017, arXiv:1703.01365). The
/// residual is what the rule misses. Inputs without a gradient stay as they
/// are on the whole line.
runtime::StatusOr<Explanation>
explainByIntegratedGradients(const Question &question, int64_t steps);

/// relu(sum over channels c of mean(dScore/dA_c) A_c), A the layer of the entry
/// point (Selvaraju and others 2017, arXiv:1610.02391). InvalidArgument unless
/// it is [batch, height, width, channels] and an input is a picture.
runtime::StatusOr<Explanation> explainByGradCam(const Question &question);

} // namespace nnc::tools

#endif // NNC_TOOLS_EXPLAIN_BYGRADIENTS_H
