// Reads arguments one by one, each by a line of a table.
#include "runtime/data/TextSettings.h"

#include "runtime/data/Suggestion.h"
#include "runtime/data/TableColumns.h"

#include <algorithm>

namespace nnc::runtime {

int64_t TextSettings::find(TextPart part) const {
  auto found = std::find(parts.begin(), parts.end(), part);
  return found == parts.end() ? -1 : found - parts.begin();
}

static Status wrong(const DataBinding &binding, const std::string &name,
                    const std::string &value, const std::string &expected) {
  return {Code::InvalidArgument,
          concat(binding.reader, ": argument '", name, "' is ", quote(value),
                 ", expected ", expected)};
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

// Each reads a value, and gives what was expected instead, or null.

static const char *readFlag(const std::string &value, bool &flag) {
  flag = value == "true";
  return flag || value == "false" ? nullptr : "true or false";
}

static const char *readSide(const std::string &value, const char *yes,
                            const char *no, const char *expected, bool &side) {
  side = value == yes;
  return side || value == no ? nullptr : expected;
}

static const char *readCount(const std::string &value, int64_t &count) {
  constexpr int64_t most = int64_t(1) << 31;
  const bool isCount = parseInteger(value, count) && count > 0 && count < most;
  return isCount ? nullptr : "a whole number from 1 to 2147483647";
}

static const char *readDelimiter(const std::string &value,
                                 TextSettings &settings) {
  const bool isTab = value == "tab" || value == "\t";
  if (!isTab &&
      (value.size() != 1 || value == "\"" || value == "\n" || value == "\r"))
    return "one character, or tab";
  settings.form = TextForm::Table;
  settings.delimiter = isTab ? '\t' : value[0];
  settings.hasQuotes = !isTab;
  return nullptr;
}

static const char *readParts(const std::string &value, TextSettings &settings) {
  static constexpr std::pair<const char *, TextPart> names[] = {
      {"tokens", TextPart::Tokens},
      {"targets", TextPart::Targets},
      {"lengths", TextPart::Lengths},
      {"label", TextPart::Label},
      {"samples", TextPart::Samples},
      {"sample_lengths", TextPart::SampleLengths}};
  for (std::string_view item : splitList(value)) {
    auto found = std::find_if(
        std::begin(names), std::end(names),
        [&](const auto &candidate) { return item == candidate.first; });
    if (found == std::end(names) || settings.has(found->second))
      return "a list of tokens, targets, lengths and label, of sounds also "
             "samples and sample_lengths, each once at most";
    settings.parts.push_back(found->second);
  }
  return nullptr;
}

static const char *readTokenizer(const std::string &value,
                                 TextSettings &settings) {
  if (const Unit *unit = findUnit(value))
    settings.tokenizer.learned.unit = *unit;
  else if (value.find_first_of("./") != std::string::npos)
    settings.tokenizer.file = value;
  else
    return "byte, character, word, or the file of a tokenizer";
  return nullptr;
}

namespace {
/// An argument, and what its value does to the settings.
struct Argument {
  const char *name;
  const char *(*read)(const std::string &value, TextSettings &settings);
};
} // namespace

// In this order: a flag of quotes is read behind the delimiter that has others.
static constexpr Argument arguments[] = {
    {"delimiter", readDelimiter},
    {"quotes",
     [](const std::string &value, TextSettings &settings) {
       return readFlag(value, settings.hasQuotes);
     }},
    {"header",
     [](const std::string &value, TextSettings &settings) {
       settings.hasHeader = false;
       return readFlag(value, *settings.hasHeader);
     }},
    {"columns",
     [](const std::string &value, TextSettings &settings) {
       settings.columns = value;
       return static_cast<const char *>(nullptr);
     }},
    {"records",
     [](const std::string &value, TextSettings &settings) {
       settings.form = TextForm::Records;
       settings.separator = value;
       return value.empty() ? "the line between two records, as in \"%\""
                            : nullptr;
     }},
    {"gives", readParts},
    {"tokenizer", readTokenizer},
    {"merges",
     [](const std::string &value, TextSettings &settings) {
       settings.tokenizer.merges = value;
       return static_cast<const char *>(nullptr);
     }},
    {"vocabulary",
     [](const std::string &value, TextSettings &settings) {
       return readCount(value, settings.tokenizer.mostIds);
     }},
    {"vocabulary_of",
     [](const std::string &value, TextSettings &settings) {
       settings.vocabularyOf = value;
       return value.empty() ? "the name of an input" : nullptr;
     }},
    {"lower",
     [](const std::string &value, TextSettings &settings) {
       return readFlag(value, settings.tokenizer.learned.isLower);
     }},
    {"filters",
     [](const std::string &value, TextSettings &settings) {
       settings.tokenizer.learned.filters = value;
       return static_cast<const char *>(nullptr);
     }},
    {"begin",
     [](const std::string &value, TextSettings &settings) {
       return readFlag(value, settings.hasBegin);
     }},
    {"end",
     [](const std::string &value, TextSettings &settings) {
       return readFlag(value, settings.hasEnd);
     }},
    {"padding",
     [](const std::string &value, TextSettings &settings) {
       return readSide(value, "left", "right", "left or right",
                       settings.padsLeft);
     }},
    {"truncate",
     [](const std::string &value, TextSettings &settings) {
       settings.mayCut = true;
       return readSide(value, "begin", "end", "begin or end",
                       settings.cutsBegin);
     }},
    {"rate",
     [](const std::string &value, TextSettings &settings) {
       return readCount(value, settings.rate);
     }},
    {"window",
     [](const std::string &value, TextSettings &settings) {
       return readCount(value, settings.window);
     }},
    {"stride",
     [](const std::string &value, TextSettings &settings) {
       return readCount(value, settings.stride);
     }},
};

//===----------------------------------------------------------------------===//
// All together
//===----------------------------------------------------------------------===//

static bool isKnown(const std::string &name) {
  return name == "path" || name == "folder" ||
         std::any_of(std::begin(arguments), std::end(arguments),
                     [&](const Argument &known) { return name == known.name; });
}

static Status checkNames(const DataBinding &binding) {
  std::vector<std::string> names = {"path", "folder"};
  std::string list = "path, folder";
  for (const Argument &known : arguments) {
    names.push_back(known.name);
    list += concat(", ", known.name);
  }
  for (const auto &[name, value] : binding.arguments)
    if (!isKnown(name) && !(name == "type" && binding.reader == "tokens"))
      return {Code::InvalidArgument,
              concat(binding.reader, " has no argument ", quote(name),
                     ", it has: ", list, suggestion(name, names))};
  return {};
}

static bool endsWith(std::string_view text, std::string_view ending) {
  return text.size() > ending.size() &&
         text.substr(text.size() - ending.size()) == ending;
}

/// A table by its name.
static void guessForm(const std::string &path, TextSettings &settings) {
  for (std::string_view packed : {"", ".gz"})
    for (std::string_view name : {".csv", ".tsv"})
      if (endsWith(path, std::string(name) + std::string(packed)))
        readDelimiter(name == ".csv" ? "," : "tab", settings);
}

/// What so many inputs usually are.
static std::vector<TextPart> usualParts(size_t count, bool isSound,
                                        bool isWindows) {
  using Parts = std::vector<TextPart>;
  const TextPart first = isSound ? TextPart::Samples : TextPart::Tokens;
  if (count == 1)
    return {first};
  if (count == 2)
    return {first, isWindows ? TextPart::Targets : TextPart::Label};
  return isSound ? Parts{first, TextPart::SampleLengths, TextPart::Tokens,
                         TextPart::Lengths}
                 : Parts{first, TextPart::Lengths, TextPart::Label};
}

/// What the inputs are where no argument says it.
static Status guessParts(const DataBinding &binding, TextSettings &settings) {
  const size_t count = binding.inputs.size();
  const bool isSound = binding.reader == "wav";
  if (settings.parts.empty())
    settings.parts = usualParts(count, isSound, settings.isWindows());
  const bool hasSound =
      settings.has(TextPart::Samples) || settings.has(TextPart::SampleLengths);
  if (settings.parts.size() == count && hasSound == isSound &&
      settings.has(isSound ? TextPart::Samples : TextPart::Tokens))
    return {};
  return {Code::InvalidArgument,
          concat(binding.reader, ": the binding names ", count,
                 " inputs; say what they are given, as in gives = [",
                 isSound ? "\"samples\", " : "",
                 "\"tokens\", \"lengths\", \"label\"]")};
}

/// That nothing is said which another argument makes void.
static Status checkTogether(const DataBinding &binding,
                            const TextSettings &settings) {
  const char *problem = nullptr;
  if (settings.stride > 0 && !settings.isWindows())
    problem = "'stride' is for windows: give 'window' too";
  if (settings.isWindows() && settings.form == TextForm::Table)
    problem = "windows are cut out of a text, not out of a table";
  if (settings.isWindows() &&
      (settings.has(TextPart::Label) || settings.has(TextPart::Lengths)))
    problem = "a window has no label and no length of its own";
  if ((binding.reader == "wav") != (settings.rate > 0))
    problem = settings.rate > 0
                  ? "'rate' is for sounds"
                  : "give 'rate', the samples a second that the files have";
  if (binding.reader != "text" && !settings.vocabularyOf.empty())
    problem = "'vocabulary_of' is for the reader text";
  if (binding.reader == "wav" && settings.isWindows())
    problem = "sounds are not cut into windows";
  if (!settings.tokenizer.merges.empty() && settings.tokenizer.file.empty())
    problem = "'merges' is for a tokenizer's file";
  if (!problem)
    return {};
  return {Code::InvalidArgument, concat(binding.reader, ": ", problem)};
}

StatusOr<TextSettings> readTextSettings(const DataBinding &binding) {
  if (Status status = checkNames(binding); !status.isOk())
    return status;
  TextSettings settings;
  auto valueOf = [&](std::string_view name) -> const std::string * {
    for (const auto &[key, value] : binding.arguments)
      if (key == name)
        return &value;
    return nullptr;
  };
  if (const std::string *path = valueOf("path"))
    guessForm(*path, settings);
  for (const Argument &argument : arguments)
    if (const std::string *value = valueOf(argument.name))
      if (const char *expected = argument.read(*value, settings))
        return wrong(binding, argument.name, *value, expected);
  settings.tokenizer.learned.hasBegin = settings.hasBegin;
  settings.tokenizer.learned.hasEnd = settings.hasEnd;
  if (settings.isWindows() && settings.stride == 0)
    settings.stride = settings.window;
  if (Status status = guessParts(binding, settings); !status.isOk())
    return status;
  if (Status status = checkTogether(binding, settings); !status.isOk())
    return status;
  return settings;
}

} // namespace nnc::runtime
