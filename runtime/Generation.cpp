// Runs "generate" token by token, and moves sequences.
#include "runtime/Generation.h"

#include <cstring>

namespace nnc::runtime {

static constexpr const char *entryName = "generate";
static constexpr const char *rearrangeName = "generate_rearrange";

/// Whether it is [sequences, 1] of whole numbers.
static bool isTokens(const TensorInfo &input, int64_t sequences) {
  return (input.elementType == ElementType::I32 ||
          input.elementType == ElementType::I64) &&
         input.shape == Shape{sequences, 1};
}

static Status wrongEntry(const std::string &what) {
  return {Code::InvalidFile,
          concat("the plan's entry point 'generate' ", what)};
}

StatusOr<Generator> Generator::create(Session &session) {
  const Plan &plan = session.plan();
  Generator generator;
  generator.session = &session;
  generator.entry = plan.findEntryPoint(entryName);
  // A model may call a training step so.
  if (!generator.entry || plan.findTrainingStep(entryName))
    return Status(Code::NotFound,
                  "the plan generates nothing: it was compiled without "
                  "--generate");
  const EntryPoint &entry = *generator.entry;
  if (entry.outputs.size() != 1 || entry.outputs[0].shape.size() != 2 ||
      entry.outputs[0].shape[0] < 1 || entry.outputs[0].shape[1] < 1 ||
      isInteger(entry.outputs[0].elementType) ||
      entry.outputs[0].elementType == ElementType::Bool)
    return wrongEntry("has another output than logits, [sequences, tokens]");
  generator.numSequences = entry.outputs[0].shape[0];
  generator.numTokens = entry.outputs[0].shape[1];
  size_t found = entry.inputs.size();
  for (size_t i = 0; i < entry.inputs.size(); ++i)
    if (isTokens(entry.inputs[i], generator.numSequences))
      found = i;
  if (found == entry.inputs.size())
    return wrongEntry("has no input of tokens, [sequences, 1]");
  generator.inputOfTokens = found;
  generator.rearrangement = plan.findEntryPoint(rearrangeName);
  if (generator.rearrangement &&
      (generator.rearrangement->inputs.size() != 1 ||
       generator.rearrangement->inputs[0].elementType != ElementType::I32 ||
       generator.rearrangement->inputs[0].shape !=
           Shape{generator.numSequences}))
    return wrongEntry("has a 'generate_rearrange' of other inputs");
  generator.inputs.assign(entry.inputs.size(), nullptr);
  if (Status status = generator.restart(); !status.isOk())
    return status;
  return generator;
}

std::vector<const TensorInfo *> Generator::otherInputs() const {
  std::vector<const TensorInfo *> others;
  for (size_t i = 0; i < entry->inputs.size(); ++i)
    if (i != inputOfTokens)
      others.push_back(&entry->inputs[i]);
  return others;
}

Status Generator::setInput(const TensorInfo &input, const void *data) {
  if (!data)
    return {Code::InvalidArgument,
            concat("input ", quote(input.name), " is at a null address")};
  inputs[&input - entry->inputs.data()] = data;
  return {};
}

Status Generator::restart() {
  position = 0;
  logitsOfNext.clear();
  return session->restartSequences();
}

Status Generator::feed(const int32_t *tokens) {
  const TensorInfo &input = tokenInput();
  if (context() && position >= context())
    return {Code::InvalidArgument,
            concat("the sequences have ", position,
                   " tokens, as many as the model's context holds")};
  fed.assign(tokens, tokens + numSequences);
  narrowFed.assign(tokens, tokens + numSequences);
  inputs[inputOfTokens] = input.elementType == ElementType::I64
                              ? static_cast<const void *>(fed.data())
                              : narrowFed.data();
  if (Status status = session->run(*entry, inputs.data(), 1); !status.isOk())
    return status;
  if (Status status = session->appendToSequences(position); !status.isOk())
    return status;
  ++position;
  return readLogits();
}

Status Generator::readLogits() {
  const TensorInfo &output = entry->outputs[0];
  StatusOr<const void *> data = session->outputData(output);
  if (!data.isOk())
    return data.status();
  const char *element = static_cast<const char *>(*data);
  logitsOfNext.resize(numSequences * numTokens);
  if (output.elementType == ElementType::F32) {
    std::memcpy(logitsOfNext.data(), element,
                logitsOfNext.size() * sizeof(float));
    return {};
  }
  for (float &logit : logitsOfNext) {
    logit = static_cast<float>(toDouble(output.elementType, element));
    element += sizeBytes(output.elementType);
  }
  return {};
}

Status Generator::rearrange(const std::vector<int32_t> &origins) {
  if (origins.size() != static_cast<size_t>(numSequences))
    return {Code::InvalidArgument,
            concat("there are ", numSequences, " sequences, the call has ",
                   origins.size())};
  for (int32_t origin : origins)
    if (origin < 0 || origin >= numSequences)
      return {Code::InvalidArgument,
              concat("there is no sequence ", origin, ", expected 0 to ",
                     numSequences - 1)};
  if (!rearrangement)
    return {};
  const void *input = origins.data();
  return session->run(*rearrangement, &input, 1);
}

Status Session::appendToSequences(int64_t position) {
  return guardMemory([&]() -> Status {
    std::vector<char> copy;
    for (const StateTensor &next : openPlan->state) {
      if (next.appendsTo < 0 || next.sizeBytes() == 0)
        continue;
      const StateTensor &all = openPlan->state[next.appendsTo];
      if (position < 0 || position >= all.shape[1])
        return {Code::InvalidArgument, concat("state tensor ", quote(all.name),
                                              " has no place ", position)};
      const int64_t places = all.shape[1], outer = all.shape[0];
      const int64_t placeBytes = next.sizeBytes() / outer;
      const char *from = static_cast<const char *>(stateData(next));
      char *to = static_cast<char *>(stateData(all)) + position * placeBytes;
      if (!device->sharesHostMemory()) {
        copy.resize(next.sizeBytes());
        Status status =
            device->download({{copy.data(), from, next.sizeBytes()}});
        if (!status.isOk())
          return status;
        from = copy.data();
      }
      for (int64_t i = 0; i < outer; ++i) {
        Status status = device->upload(
            {to + i * places * placeBytes, from + i * placeBytes, placeBytes});
        if (!status.isOk())
          return status;
      }
    }
    return {};
  });
}

Status Session::restartSequences() {
  return guardMemory([&]() -> Status {
    if (Status status = checkProcess(); !status.isOk())
      return status;
    forgetOutputs();
    for (const StateTensor &tensor : openPlan->state) {
      if (tensor.role != Role::Generation || tensor.sizeBytes() == 0)
        continue;
      Status status = device->zero(stateData(tensor), tensor.sizeBytes());
      if (!status.isOk())
        return status;
    }
    return {};
  });
}

} // namespace nnc::runtime
