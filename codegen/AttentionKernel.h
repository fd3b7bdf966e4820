// What a kernel of kind "attention" computes. Its body is the definition by
// products and a softmax, which has all scores in memory and serves the plain
// form; emitters read an attribute of the function instead:
//
//   func.func private @attend_..(..) attributes {nnc.kernel,
//       nnc.attention = {arguments = {k = 1, q = 0, v = 2}, causal = true, ..}}
//
// It is the op that the kernel was made of: nnc.attend or nnc.attend_gradient.
#ifndef NNC_CODEGEN_ATTENTIONKERNEL_H
#define NNC_CODEGEN_ATTENTIONKERNEL_H

#include "codegen/Refusal.h"
#include "ir/Shapes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>

namespace nnc {

struct AttentionKernel {
  /// nnc.attend_gradient rather than nnc.attend.
  bool isGradient;
  AttentionSizes sizes;
  /// Of q, k, v and y.
  mlir::Type elementType;
  bool causal;
  int64_t window;
  double softCap, scale, dropout;

  /// Operand numbers of the kernel; nothing where absent. Without v, k has keys
  /// and values; without k too, q has all three.
  std::optional<unsigned> q, k, v, lse, delta, dy, lengths, bias, slopes, mask,
      seed, step, stream;
};

/// States in attributes of `kernel` what its only op computes, if that is one
/// of the two. Every operand of the op is an argument.
void setAttentionKernel(mlir::func::FuncOp kernel);

/// The share of queries and keys that causality and a window let see each
/// other, from thousands of queries where there are more.
double shareSeen(const AttentionKernel &attention);

mlir::FailureOr<AttentionKernel> analyzeAttention(mlir::func::FuncOp kernel,
                                                  Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_ATTENTIONKERNEL_H
