// In which order the dimensions of weights stand in a file: nnc's, or that in
// which PyTorch has them.
#ifndef NNC_RUNTIME_WEIGHTSORDER_H
#define NNC_RUNTIME_WEIGHTSORDER_H

#include "runtime/Checkpoint.h"
#include "runtime/Plan.h"
#include "runtime/Status.h"

#include <optional>
#include <vector>

namespace nnc::runtime {

/// The key of a file's metadata that says its order.
inline constexpr const char *orderKey = "nnc.weights_order";

/// "nnc" or "pytorch".
const char *nameOf(WeightsOrder order);
/// Nothing for another name.
std::optional<WeightsOrder> findOrder(std::string_view name);

/// The shape that the tensor has in a file of that order.
Shape shapeIn(WeightsOrder order, const StateTensor &tensor);

/// Whether the tensor's elements stand otherwise in a file of that order.
bool isPermutedIn(WeightsOrder order, const StateTensor &tensor);

/// The elements of `tensor`, which are at `data` as nnc has them, in PyTorch's
/// order; and back.
std::vector<char> toPytorch(const StateTensor &tensor, const char *data);
std::vector<char> fromPytorch(const StateTensor &tensor, const char *data);

/// The elements of a row-major tensor at `data` with its dimensions reversed.
std::vector<char> reverseDimensions(const char *data, const Shape &shape,
                                    int64_t elementBytes);

/// The order of a file of weights for `plan`: what the caller says, else what
/// the file's metadata say, else the only one in which the shapes of its
/// tensors are the plan's. InvalidFile where these differ from each other, or
/// where nothing tells.
StatusOr<WeightsOrder> chooseOrder(const Plan &plan,
                                   const SafetensorsFile &file,
                                   std::optional<WeightsOrder> given);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_WEIGHTSORDER_H
