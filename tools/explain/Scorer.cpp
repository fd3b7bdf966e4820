// Batches of samples through one entry point, and their results one by one.
#include "tools/explain/Scorer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace nnc::tools {

using namespace runtime;

StatusOr<Scorer> Scorer::create(Session &session, const EntryPoint &entry,
                                const std::string &output) {
  Scorer scorer(session, entry);
  if (Status status = scorer.findOutputs(output); !status.isOk())
    return status;
  if (Status status = scorer.findInputs(); !status.isOk())
    return status;
  for (const TensorInfo &input : entry.inputs)
    scorer.buffers.emplace_back(
        size_t(input.sizeBytes(session.plan().maxBatch)));
  for (const TensorInfo &input : scorer.modelInputs)
    scorer.sample.emplace_back(size_t(input.numElements(1)));
  return scorer;
}

/// That samples of it lie one after the other; `what` it is: "input".
static Status checkBatchFirst(const char *what, const TensorInfo &info) {
  if (!info.shape.empty() && info.shape[0] == -1)
    return {};
  return {Code::InvalidArgument,
          concat(what, " ", quote(info.name), " is ",
                 describe(info.elementType, info.shape),
                 ": what is explained has the batch first")};
}

static bool endsWith(const std::string &text, const std::string &ending) {
  return text.size() >= ending.size() &&
         text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

std::string Scorer::layerName() const {
  const std::string ending = ".layer";
  std::string name = layerOutput->name;
  if (endsWith(name, ending))
    name.resize(name.size() - ending.size());
  return name;
}

/// What no plan of nnc's lacks.
static Status damaged(const std::string &what) {
  return {Code::InvalidFile,
          "the plan's entry point `explain` is damaged: " + what};
}

Status Scorer::findOutputs(const std::string &name) {
  std::string known;
  for (const TensorInfo &output : entry->outputs) {
    if (output.kind == "layer")
      layerOutput = &output;
    if (output.kind == "layer_gradient")
      layerGradient = &output;
    if (output.kind != "output")
      continue;
    known += (known.empty() ? "" : ", ") + output.name;
    if (!chosen && (name.empty() || output.name == name))
      chosen = &output;
  }
  if (!chosen)
    return {Code::InvalidArgument,
            concat("the model has no output ", quote(name),
                   "; its outputs are ", known)};
  if (Status status = checkBatchFirst("output", *chosen); !status.isOk())
    return status;
  if (!layerOutput)
    return {};
  if (!layerGradient || layerGradient->shape != layerOutput->shape)
    return damaged("its layer has no gradient of that shape");
  return checkBatchFirst("layer", *layerOutput);
}

/// The gradient of `input` among the outputs; null where it has none.
static const TensorInfo *findGradient(const EntryPoint &entry,
                                      const TensorInfo &input) {
  for (const TensorInfo &output : entry.outputs)
    if (output.kind == "input_gradient" &&
        output.name == input.name + ".gradient")
      return &output;
  return nullptr;
}

Status Scorer::findInputs() {
  const bool explains = entry->name == "explain";
  bool hasUpstream = false;
  for (const TensorInfo &input : entry->inputs) {
    if (Status status = checkBatchFirst("input", input); !status.isOk())
      return status;
    if (explains && endsWith(input.name, ".upstream")) {
      if (input.name != chosen->name + ".upstream")
        continue;
      if (input.shape != chosen->shape || !fits(input.elementType, 0.5))
        return damaged("an upstream gradient is not of its output's type");
      hasUpstream = true;
      continue;
    }
    // Upstream gradients come last.
    if (&input - entry->inputs.data() != std::ptrdiff_t(modelInputs.size()))
      return damaged("its inputs are out of order");
    modelInputs.push_back(input);
    gradientOutputs.push_back(findGradient(*entry, input));
    if (gradientOutputs.back() && gradientOutputs.back()->shape != input.shape)
      return damaged("a gradient has not its input's shape");
  }
  if (modelInputs.empty())
    return {Code::InvalidArgument,
            "the model has no inputs: there is nothing to explain it by"};
  if (explains && !hasUpstream)
    return {Code::InvalidArgument,
            concat("output ", quote(chosen->name), " is ",
                   describe(chosen->elementType, chosen->shape),
                   ": it has no gradient; --output names another")};
  return {};
}

/// Weighs one element of the chosen output with 1, everything else with 0: the
/// gradients of all samples of a batch are then those of their own score.
void Scorer::fillUpstream(int64_t batch, int64_t element) {
  for (size_t i = modelInputs.size(); i < entry->inputs.size(); ++i) {
    const TensorInfo &info = entry->inputs[i];
    const int64_t size = sizeBytes(info.elementType);
    std::memset(buffers[i].data(), 0, buffers[i].size());
    if (info.name != chosen->name + ".upstream")
      continue;
    for (int64_t place = 0; place < batch; ++place)
      fromDouble(info.elementType, 1.0,
                 buffers[i].data() + (place * numElements() + element) * size);
  }
}

void Scorer::store(size_t input, int64_t place,
                   const std::vector<double> &values) {
  const ElementType type = modelInputs[input].elementType;
  const int64_t size = sizeBytes(type);
  uint8_t *to = buffers[input].data() + place * int64_t(values.size()) * size;
  for (double value : values) {
    fromDouble(type, value, to);
    to += size;
  }
}

Status Scorer::fetch(const TensorInfo &info, int64_t batch,
                     std::vector<double> &values) const {
  StatusOr<const void *> data = session->outputData(info);
  if (!data.isOk())
    return data.status();
  const auto *bytes = static_cast<const uint8_t *>(*data);
  const int64_t size = sizeBytes(info.elementType);
  values.resize(size_t(info.numElements(batch)));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = toDouble(info.elementType, bytes + int64_t(i) * size);
  return {};
}

Status Scorer::fetchAll(int64_t batch) {
  if (Status status = fetch(*chosen, batch, batchResult.output); !status.isOk())
    return status;
  batchResult.gradients.resize(modelInputs.size());
  for (size_t i = 0; i < modelInputs.size(); ++i)
    if (gradientOutputs[i])
      if (Status status =
              fetch(*gradientOutputs[i], batch, batchResult.gradients[i]);
          !status.isOk())
        return status;
  if (!layerOutput)
    return {};
  if (Status status = fetch(*layerOutput, batch, batchResult.layer);
      !status.isOk())
    return status;
  return fetch(*layerGradient, batch, batchResult.layerGradient);
}

/// The part of `all` that belongs to sample `place` of `batch`.
static void takePart(const std::vector<double> &all, int64_t place,
                     int64_t batch, std::vector<double> &part) {
  const int64_t size = int64_t(all.size()) / batch;
  part.assign(all.begin() + place * size, all.begin() + (place + 1) * size);
}

void Scorer::useBatch(int64_t first, int64_t batch, const UseResult &use) {
  Scored one;
  one.gradients.resize(modelInputs.size());
  for (int64_t place = 0; place < batch; ++place) {
    takePart(batchResult.output, place, batch, one.output);
    for (size_t i = 0; i < modelInputs.size(); ++i)
      takePart(batchResult.gradients[i], place, batch, one.gradients[i]);
    takePart(batchResult.layer, place, batch, one.layer);
    takePart(batchResult.layerGradient, place, batch, one.layerGradient);
    use(first + place, one);
  }
}

Status Scorer::run(int64_t count, int64_t element, const MakeSample &make,
                   const UseResult &use) {
  const int64_t most = std::min(count, session->plan().maxBatch);
  fillUpstream(most, element);
  std::vector<const void *> pointers;
  for (const AlignedBytes &buffer : buffers)
    pointers.push_back(buffer.data());
  for (int64_t first = 0; first < count; first += most) {
    const int64_t batch = std::min(most, count - first);
    for (int64_t place = 0; place < batch; ++place) {
      make(first + place, sample);
      for (size_t i = 0; i < modelInputs.size(); ++i)
        store(i, place, sample[i]);
    }
    if (Status status = session->setFirstSample(first); !status.isOk())
      return status;
    if (Status status = session->run(*entry, pointers.data(), batch);
        !status.isOk())
      return status;
    if (Status status = fetchAll(batch); !status.isOk())
      return status;
    useBatch(first, batch, use);
  }
  return {};
}

Status Scorer::scores(int64_t count, int64_t element, const MakeSample &make,
                      std::vector<double> &values) {
  values.resize(size_t(count));
  return run(count, element, make, [&](int64_t index, const Scored &result) {
    values[size_t(index)] = result.output[size_t(element)];
  });
}

} // namespace nnc::tools
