// Chooses a reader for a file that the command line names, and what of the
// model's own readers still holds for it.
#include "runtime/data/Reader.h"

#include "runtime/data/ByteStream.h"
#include "runtime/data/ImageFile.h"
#include "runtime/data/TextTokenizer.h"

#include <algorithm>
#include <sys/stat.h>

namespace nnc::runtime {

/// The reader of a file by how it begins; text, which has no sign, by its name.
static StatusOr<std::string> readerOf(const std::string &path) {
  struct stat status;
  if (stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
    return std::string("images");
  StatusOr<ByteStream> stream = ByteStream::open(path);
  if (!stream.isOk())
    return stream.status();
  char start[8] = {};
  StatusOr<int64_t> got = stream->readSome(start, sizeof start);
  if (!got.isOk())
    return got.status();
  const std::string_view begin(start, size_t(*got));
  if (isPicture(begin))
    return std::string("images");
  if (begin.substr(0, 6) == "\x93NUMPY")
    return std::string("npy");
  if (begin.substr(0, 2) == "PK")
    return std::string("npz");
  if (std::string reader = tableReaderOf(path); !reader.empty())
    return reader;
  if (begin.size() > 4 && start[0] == 0 && start[1] == 0)
    return std::string("idx");
  return Status(Code::InvalidFile,
                path +
                    ": expected a .npy, .npz, IDX, PNG or JPEG file, a folder "
                    "of pictures, or a name that ends in .csv, .tsv or .jsonl");
}

/// The order of an input's channels, as a binding of the recipe says it.
static const std::string *orderOf(const Recipe &recipe,
                                  const std::string &input) {
  for (const DataBinding &binding : recipe.data)
    for (const auto &[key, value] : binding.arguments)
      if (key == "order" &&
          std::find(binding.inputs.begin(), binding.inputs.end(), input) !=
              binding.inputs.end())
        return &value;
  return nullptr;
}

using Arguments = std::vector<std::pair<std::string, std::string>>;

/// The arguments of a binding of text that say how a text becomes ids, and not
/// which texts.
static Arguments tokenArguments(const DataBinding &binding) {
  static constexpr std::string_view kept[] = {
      "tokenizer", "merges",  "vocabulary", "vocabulary_of",
      "lower",     "filters", "begin",      "end",
      "folder",    "padding", "truncate",   "rate"};
  Arguments arguments;
  for (const auto &argument : binding.arguments)
    if (std::find(std::begin(kept), std::end(kept), argument.first) !=
        std::end(kept))
      arguments.push_back(argument);
  return arguments;
}

/// The same of a tokenizer that text has taught, as weights know it.
static StatusOr<Arguments> tokenArguments(const std::string &vocabulary) {
  LearnedSettings settings;
  auto tokenizer = restoreTokenizer(vocabulary, "the vocabulary", &settings);
  if (!tokenizer.isOk())
    return tokenizer.status();
  auto flag = [](bool value) { return std::string(value ? "true" : "false"); };
  return Arguments{{"tokenizer", nameOf(settings.unit)},
                   {"lower", flag(settings.isLower)},
                   {"filters", settings.filters},
                   {"begin", flag(settings.hasBegin)},
                   {"end", flag(settings.hasEnd)}};
}

namespace {
/// A binding of text or sounds, and what of them an input has from it.
struct BoundText {
  /// Null: none.
  const DataBinding *binding = nullptr;
  TextSettings settings;
  /// How a text becomes ids.
  Arguments arguments;
  /// Tokens or samples, and their lengths.
  TextPart part = TextPart::Tokens, lengths = TextPart::Lengths;

  bool isOf(TextPart wanted, const std::string &input) const {
    const int64_t place = settings.find(wanted);
    return place >= 0 && binding->inputs[size_t(place)] == input;
  }
};
} // namespace

/// The binding that gives `input` the tokens of a text or the samples of a
/// sound; none where it has something else, or tokens of which nothing says
/// what they stand for.
static StatusOr<BoundText> boundTextOf(const Recipe &recipe,
                                       const std::string &input,
                                       const DataFacts &facts) {
  BoundText bound;
  bound.binding = textBindingOf(recipe, input);
  if (!bound.binding)
    return bound;
  StatusOr<TextSettings> settings = readTextSettings(*bound.binding);
  if (!settings.isOk())
    return settings.status();
  bound.settings = std::move(*settings);
  bound.arguments = tokenArguments(*bound.binding);
  if (bound.binding->reader == "wav") {
    bound.part = TextPart::Samples;
    bound.lengths = TextPart::SampleLengths;
  }
  if (!bound.isOf(bound.part, input))
    return BoundText();
  if (bound.binding->reader != "tokens" ||
      !bound.settings.tokenizer.file.empty())
    return bound;
  auto known = facts.vocabularies.find(input);
  if (known == facts.vocabularies.end())
    return BoundText();
  StatusOr<Arguments> learned = tokenArguments(known->second);
  if (!learned.isOk())
    return learned.status();
  bound.arguments = std::move(*learned);
  return bound;
}

/// A text or a sound by the model's own binding: lines, a table, a folder, a
/// file.
static StatusOr<std::vector<Column>>
readBoundText(const GivenFile &file, const EntryPoint &entry,
              const BoundText &bound, const Recipe &recipe,
              const DataFacts &facts, const ReadOptions &options) {
  const TensorInfo &input = entry.inputs[file.input];
  std::vector<const TensorInfo *> inputs = {&input};
  const bool isSound = bound.part == TextPart::Samples;
  DataBinding binding;
  binding.split = "predict";
  binding.reader = isSound ? "wav" : "text";
  binding.inputs = {input.name};
  binding.arguments = bound.arguments;
  binding.arguments.emplace_back("path", file.path);
  if (!file.columns.empty())
    binding.arguments.emplace_back("columns", file.columns);
  std::string gives = isSound ? "samples" : "tokens";
  for (const TensorInfo &other : entry.inputs) {
    if (!bound.isOf(bound.lengths, other.name))
      continue;
    inputs.push_back(&other);
    binding.inputs.push_back(other.name);
    gives += isSound ? ",sample_lengths" : ",lengths";
  }
  binding.arguments.emplace_back("gives", gives);
  return readBound(binding, inputs, entry, recipe, options, facts);
}

static bool isNumpy(const std::string &path) {
  StatusOr<ByteStream> stream = ByteStream::open(path);
  char start[6] = {};
  return stream.isOk() && stream->read(start, sizeof start, "").isOk() &&
         std::string_view(start, sizeof start) == "\x93NUMPY";
}

static StatusOr<std::vector<Column>> readByItsKind(const GivenFile &file,
                                                   const EntryPoint &entry,
                                                   const Recipe &recipe,
                                                   const DataFacts &facts,
                                                   const ReadOptions &options) {
  const TensorInfo &input = entry.inputs[file.input];
  StatusOr<std::string> reader = readerOf(file.path);
  if (!reader.isOk())
    return reader.status();
  DataBinding binding;
  binding.inputs = {input.name};
  binding.reader = *reader;
  binding.arguments = {{"path", file.path}};
  if (!file.columns.empty())
    binding.arguments.emplace_back(*reader == "jsonl" ? "fields" : "columns",
                                   file.columns);
  if (hasTabs(file.path))
    binding.arguments.emplace_back("delimiter", "tab");
  const std::string *order = orderOf(recipe, input.name);
  if (order && *reader != "csv" && *reader != "jsonl")
    binding.arguments.emplace_back("order", *order);
  return readBound(binding, {&input}, entry, recipe, options, facts);
}

StatusOr<std::vector<Column>>
readInputFile(const GivenFile &file, const EntryPoint &entry,
              const Recipe &recipe, const DataFacts &facts,
              const std::vector<std::string> &directories) {
  return guardMemory([&]() -> StatusOr<std::vector<Column>> {
    const TensorInfo &input = entry.inputs[file.input];
    ReadOptions options;
    options.directories = directories;
    // Where the file itself is, only its path says.
    options.directories.insert(options.directories.begin(), "");
    StatusOr<BoundText> bound = boundTextOf(recipe, input.name, facts);
    if (!bound.isOk())
      return bound.status();
    if (bound->binding && !isNumpy(file.path))
      return readBoundText(file, entry, *bound, recipe, facts, options);
    return readByItsKind(file, entry, recipe, facts, options);
  });
}

} // namespace nnc::runtime
