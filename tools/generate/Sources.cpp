// Reads sources as nnc predict reads inputs.
#include "tools/generate/Sources.h"

#include "runtime/data/TextTokenizer.h"

#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace nnc::tools {

using namespace nnc::runtime;

/// The inputs beside the tokens as an entry point that takes any number of
/// samples.
static EntryPoint entryOf(const Generator &generator) {
  EntryPoint entry;
  entry.name = "generate";
  for (const TensorInfo *input : generator.otherInputs()) {
    entry.inputs.push_back(*input);
    if (!input->shape.empty())
      entry.inputs.back().shape[0] = -1;
  }
  return entry;
}

/// A file without a name that has `text`.
static StatusOr<OpenFile> makeFile(const std::string &text) {
  OpenFile file(memfd_create("prompt", MFD_CLOEXEC));
  const ssize_t written =
      file.get() >= 0 ? write(file.get(), text.data(), text.size()) : -1;
  if (written != ssize_t(text.size()))
    return Status(Code::IoError,
                  concat("the prompt cannot be kept: ", std::strerror(errno)));
  return file;
}

/// The input whose text a prompt is. InvalidArgument where there is none, or
/// several.
static StatusOr<std::string> inputOfText(const EntryPoint &entry,
                                         const Recipe &recipe) {
  std::string found, others;
  for (const TensorInfo &input : entry.inputs) {
    const bool isText = input.shape.size() > 1 &&
                        isInteger(input.elementType) &&
                        textBindingOf(recipe, input.name);
    if (isText && !found.empty())
      return Status(Code::InvalidArgument,
                    concat("the model reads the texts ", quote(found), " and ",
                           quote(input.name),
                           " beside the tokens: give each by --input"));
    if (isText)
      found = input.name;
    else
      others += concat(others.empty() ? "" : ", ", input.name);
  }
  if (found.empty())
    return Status(Code::InvalidArgument,
                  concat("the model reads no text beside the tokens, but ",
                         others, ": give each by --input"));
  return found;
}

StatusOr<Sources> Sources::read(const SourceOptions &options,
                                const Generator &generator,
                                const Learned &learned) {
  Sources sources;
  const EntryPoint entry = entryOf(generator);
  if (entry.inputs.empty())
    return sources;
  InputFiles inputs = options.inputs;
  OpenFile file;
  if (inputs.files.empty()) {
    StatusOr<std::string> input = inputOfText(entry, learned.recipe);
    if (!input.isOk())
      return input.status();
    std::string path = options.textFile;
    if (path.empty() && options.text.empty())
      return Status(Code::InvalidArgument,
                    concat("the model reads ", quote(*input),
                           " beside the tokens: say --prompt TEXT, or --input ",
                           *input, "=FILE"));
    if (path.empty()) {
      StatusOr<OpenFile> made = makeFile(options.text);
      if (!made.isOk())
        return made.status();
      file = std::move(*made);
      path = concat("/proc/self/fd/", file.get());
    }
    inputs.files.push_back(*input + "=" + path);
  }
  if (Status status = inputs.read(entry, learned, sources.columns);
      !status.isOk())
    return status;
  if (sources.count() == 0)
    return Status(Code::InvalidArgument,
                  "there is no source: the text is empty");
  return sources;
}

int64_t Sources::count() const {
  return columns.empty() ? 1 : numSamples(columns);
}

Status Sources::give(Generator &generator, int64_t sample) {
  const std::vector<const TensorInfo *> inputs = generator.otherInputs();
  given.resize(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    const int64_t bytes = columns[i].sampleBytes();
    const uint8_t *from = columns[i].data.data() + sample * bytes;
    given[i].clear();
    for (int64_t s = 0; s < generator.sequences(); ++s)
      given[i].insert(given[i].end(), from, from + bytes);
    if (Status status = generator.setInput(*inputs[i], given[i].data());
        !status.isOk())
      return status;
  }
  return {};
}

} // namespace nnc::tools
