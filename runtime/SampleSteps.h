// The steps that a sample may go through between its file and the model, and
// what each may be told. The language, MLIR, graphs and plans refuse others
// with the same words. Alone and inline: the compiler asks it too.
#ifndef NNC_RUNTIME_SAMPLESTEPS_H
#define NNC_RUNTIME_SAMPLESTEPS_H

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nnc::runtime {

enum class StepValue {
  Whole,    ///< A whole number.
  Real,     ///< A number.
  Flag,     ///< true or false.
  Channels, ///< A number, one for each channel, or the word "measured".
  Word,     ///< One of those that are expected.
  Text,     ///< Any text that is not empty.
  Format,   ///< A text with the parts of a date: %Y, %m, %d, %H, %M, %S.
};

struct StepParameter {
  std::string_view name;
  StepValue kind = StepValue::Real;
  double least = 0;
  double most = 0;
  bool isRequired = false;
  std::string_view expected;
};

/// A name without parameters is followed by those that have no name.
struct StepInfo {
  std::string_view name;
  std::array<StepParameter, 3> parameters;
};

/// Of a recipe: each step costs time for every sample.
inline constexpr size_t mostSampleSteps = 256;
/// In place of numbers: those of the training samples.
inline constexpr std::string_view measuredWord = "measured";
inline constexpr double mostPixels = 65536;
inline constexpr std::string_view sizeExpected =
    "a whole number from 1 to 65536";
inline constexpr std::string_view shareExpected = "a number from 0 to 1";
inline constexpr std::string_view flagExpected = "true or false";
inline constexpr std::string_view channelsExpected =
    "a number, a list of one a channel, or measured";

inline constexpr std::string_view numberExpected = "a number";
inline constexpr std::string_view namesExpected =
    "a list of names, as in [\"no\", \"yes\"]";
inline constexpr std::string_view partExpected =
    "days, seconds, year, month, day, weekday, hour or minute";
inline constexpr double mostNumber = 1e300;
/// Different names that an input may count.
inline constexpr double mostCategories = 1 << 20;

inline constexpr StepInfo sampleSteps[] = {
    {"categories",
     {{{"most", StepValue::Whole, 1, mostCategories, false,
        "a whole number from 1 to 2^20"}}}},
    {"classes", {{{"names", StepValue::Text, 0, 0, false, namesExpected}}}},
    {"clip",
     {{{"least", StepValue::Real, -mostNumber, mostNumber, false,
        numberExpected},
       {"most", StepValue::Real, -mostNumber, mostNumber, false,
        numberExpected}}}},
    {"crop",
     {{{"height", StepValue::Whole, 1, mostPixels, true, sizeExpected},
       {"width", StepValue::Whole, 1, mostPixels, false, sizeExpected},
       {"padding", StepValue::Whole, 0, mostPixels, false,
        "a whole number from 0 to 65536"}}}},
    {"cutout",
     {{{"size", StepValue::Whole, 1, mostPixels, true, sizeExpected}}}},
    {"date",
     {{{"part", StepValue::Word, 0, 0, true, partExpected},
       {"format", StepValue::Format, 0, 0, false,
        "a text of %Y, %m, %d, %H, %M, %S and what is between them, such as "
        "\"%d.%m.%Y\""}}}},
    {"flip",
     {{{"horizontal", StepValue::Flag, 0, 0, false, flagExpected},
       {"vertical", StepValue::Flag, 0, 0, false, flagExpected}}}},
    {"hashing",
     {{{"buckets", StepValue::Whole, 1, 2147483647, true,
        "a whole number from 1 to 2147483647"}}}},
    {"jitter",
     {{{"brightness", StepValue::Real, 0, 1, false, shareExpected},
       {"contrast", StepValue::Real, 0, 1, false, shareExpected},
       {"saturation", StepValue::Real, 0, 1, false, shareExpected}}}},
    {"log",
     {{{"offset", StepValue::Real, 0, mostNumber, false,
        "a number of at least 0"}}}},
    {"mask",
     {{{"input", StepValue::Text, 0, 0, true, "an input of the model"}}}},
    {"min_max",
     {{{"low", StepValue::Real, -mostNumber, mostNumber, false, numberExpected},
       {"high", StepValue::Real, -mostNumber, mostNumber, false,
        numberExpected}}}},
    {"missing",
     {{{"value", StepValue::Text, 0, 0, true,
        "error, drop, mean, median or a value"}}}},
    {"mixup",
     {{{"alpha", StepValue::Real, 0.001, 1000, true,
        "a number from 0.001 to 1000"}}}},
    {"normalize",
     {{{"mean", StepValue::Channels, -1e30, 1e30, false, channelsExpected},
       {"deviation", StepValue::Channels, 1e-30, 1e30, false,
        channelsExpected}}}},
    {"one_hot", {}},
    {"resize",
     {{{"height", StepValue::Whole, 1, mostPixels, true, sizeExpected},
       {"width", StepValue::Whole, 1, mostPixels, false, sizeExpected}}}},
    {"rotate",
     {{{"degrees", StepValue::Real, 0, 180, true, "a number from 0 to 180"}}}},
    {"standardize", {}},
};

/// Those that are written `NAME = VALUE`, too.
inline constexpr std::string_view stepSettings[] = {"classes", "mask",
                                                    "missing"};

/// Null if there is no such step.
inline const StepInfo *findSampleStep(std::string_view name) {
  for (const StepInfo &info : sampleSteps)
    if (info.name == name)
      return &info;
  return nullptr;
}

/// Null if the step has no such parameter.
inline const StepParameter *findStepParameter(const StepInfo &step,
                                              std::string_view name) {
  for (const StepParameter &parameter : step.parameters)
    if (!name.empty() && parameter.name == name)
      return &parameter;
  return nullptr;
}

/// The whole of `text` as a number; false for what is none, or not finite.
inline bool parseStepNumber(std::string_view text, double &number) {
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end && number - number == 0;
}

/// The numbers of a list, "0.5,0.25,1".
inline bool parseStepNumbers(std::string_view text,
                             std::vector<double> &numbers) {
  while (true) {
    const size_t comma = text.find(',');
    if (!parseStepNumber(text.substr(0, comma), numbers.emplace_back()))
      return false;
    if (comma == std::string_view::npos)
      return true;
    text.remove_prefix(comma + 1);
  }
}

/// Whether `text` is one of the words of an enumeration, "a, b or c".
inline bool isWordOf(std::string_view enumeration, std::string_view text) {
  while (!enumeration.empty()) {
    const size_t end = enumeration.find_first_of(", ");
    const std::string_view word = enumeration.substr(0, end);
    if (!word.empty() && word != "or" && word == text)
      return true;
    enumeration.remove_prefix(end == std::string_view::npos ? enumeration.size()
                                                            : end + 1);
  }
  return false;
}

/// Whether each % of a date's format is that of a part, or of %%.
inline bool isDateFormat(std::string_view format) {
  constexpr std::string_view parts = "YmdHMS%";
  for (size_t at = 0; (at = format.find('%', at)) != format.npos; at += 2)
    if (at + 1 == format.size() || parts.find(format[at + 1]) == parts.npos)
      return false;
  return !format.empty();
}

inline bool isStepValue(const StepParameter &parameter, std::string_view text) {
  if (parameter.kind == StepValue::Flag)
    return text == "true" || text == "false";
  if (parameter.kind == StepValue::Text)
    return !text.empty();
  if (parameter.kind == StepValue::Format)
    return isDateFormat(text);
  if (parameter.kind == StepValue::Word)
    return isWordOf(parameter.expected, text);
  const bool isList = parameter.kind == StepValue::Channels;
  if (isList && text == measuredWord)
    return true;
  std::vector<double> numbers;
  if (!parseStepNumbers(text, numbers) || (!isList && numbers.size() != 1))
    return false;
  for (double number : numbers)
    if (number < parameter.least || number > parameter.most ||
        (parameter.kind == StepValue::Whole &&
         number != double(int64_t(number))))
      return false;
  return true;
}

using StepArguments = std::vector<std::pair<std::string, std::string>>;

/// Null where it is not given.
inline const std::string *findStepArgument(const StepArguments &arguments,
                                           std::string_view name) {
  for (const auto &[key, value] : arguments)
    if (key == name)
      return &value;
  return nullptr;
}

inline double stepNumberOr(const StepArguments &arguments,
                           std::string_view name, double otherwise) {
  const std::string *text = findStepArgument(arguments, name);
  double number = otherwise;
  return text && parseStepNumber(*text, number) ? number : otherwise;
}

/// What is wrong with a step; empty if nothing is.
inline std::string explainSampleStep(std::string_view name,
                                     const StepArguments &arguments) {
  const std::string quoted = "'" + std::string(name) + "'";
  const StepInfo *info = findSampleStep(name);
  if (!info)
    return quoted + " is no step of a sample";
  for (const auto &[key, value] : arguments) {
    const StepParameter *parameter = findStepParameter(*info, key);
    if (!parameter)
      return quoted + " has no argument '" + key + "'";
    if (!isStepValue(*parameter, value))
      return "'" + key + "' of " + quoted + " must be " +
             std::string(parameter->expected) + ", found " + value;
  }
  for (const StepParameter &parameter : info->parameters) {
    if (parameter.isRequired && !findStepArgument(arguments, parameter.name))
      return quoted + " needs the argument '" + std::string(parameter.name) +
             "', " + std::string(parameter.expected);
  }
  return "";
}

} // namespace nnc::runtime

#endif // NNC_RUNTIME_SAMPLESTEPS_H
