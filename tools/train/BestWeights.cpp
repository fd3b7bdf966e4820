// Copies tensor by tensor, by the names that they have in files.
#include "tools/train/BestWeights.h"

#include "runtime/WeightsMatching.h"

#include <algorithm>

namespace nnc::tools {

using namespace runtime;

static std::vector<const StateTensor *> weightsOf(const Plan &plan) {
  std::vector<const StateTensor *> weights;
  for (const StateTensor &tensor : plan.state)
    if (isSaved(tensor, SaveKind::Weights))
      weights.push_back(&tensor);
  return weights;
}

static size_t sizeBytesOf(const StateTensor &tensor) {
  return size_t(tensor.numElements() * sizeBytes(tensor.elementType));
}

static std::string keptName(const StateTensor &tensor) {
  return std::string(keptPrefix) + nameInFile(tensor);
}

/// What a file of weights has as `tensor`.
static const StateTensor &savedAs(const StateTensor &tensor, const Plan &plan) {
  return tensor.average >= 0 ? plan.state[tensor.average] : tensor;
}

Status BestWeights::take(const Session &session) {
  return guardMemory([&]() -> Status {
    std::vector<std::vector<char>> taken;
    for (const StateTensor *tensor : weightsOf(session.plan())) {
      std::vector<char> &copy = taken.emplace_back(sizeBytesOf(*tensor));
      if (Status status = session.readState(
              savedAs(*tensor, session.plan()).name, copy.data(), copy.size());
          !status.isOk())
        return status;
    }
    copies = std::move(taken);
    return {};
  });
}

Status BestWeights::restore(Session &session) const {
  if (isEmpty())
    return {};
  size_t next = 0;
  for (const StateTensor *tensor : weightsOf(session.plan())) {
    const std::vector<char> &copy = copies[next++];
    // As loading does: weights are their own average until they are trained.
    for (const StateTensor *to : {tensor, &savedAs(*tensor, session.plan())})
      if (Status status =
              session.writeState(to->name, copy.data(), copy.size());
          !status.isOk())
        return status;
  }
  return {};
}

std::vector<TensorToSave> BestWeights::toSave(const Plan &plan) const {
  std::vector<TensorToSave> tensors;
  if (isEmpty())
    return tensors;
  for (const StateTensor *tensor : weightsOf(plan))
    tensors.push_back({keptName(*tensor), tensor->elementType, tensor->shape,
                       copies[tensors.size()].data()});
  return tensors;
}

Status BestWeights::load(const Plan &plan, const SafetensorsFile &checkpoint) {
  return guardMemory([&]() -> Status {
    std::vector<std::vector<char>> loaded;
    for (const StateTensor *tensor : weightsOf(plan)) {
      const std::string name = keptName(*tensor);
      auto found = std::find_if(
          checkpoint.tensors().begin(), checkpoint.tensors().end(),
          [&](const SavedTensor &saved) { return saved.name == name; });
      const bool fits = found != checkpoint.tensors().end() &&
                        !found->foreignType && found->shape == tensor->shape &&
                        found->elementType == tensor->elementType;
      if (!fits)
        return {Code::InvalidFile,
                concat("damaged: it has no ", quote(name), " of ",
                       describe(tensor->elementType, tensor->shape))};
      std::vector<char> &copy = loaded.emplace_back(sizeBytesOf(*tensor));
      if (Status status = checkpoint.read(*found, copy.data()); !status.isOk())
        return status;
    }
    copies = std::move(loaded);
    return {};
  });
}

} // namespace nnc::tools
