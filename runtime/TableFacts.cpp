// Reads notes.
#include "runtime/TableFacts.h"

#include "runtime/SampleSteps.h"
#include "runtime/TextList.h"

#include <algorithm>
#include <cstdio>

namespace nnc::runtime {

static constexpr std::string_view dataPrefix = "nnc.data/";

std::string noteKey(const std::string &input, std::string_view what) {
  return concat(std::string(dataPrefix), input, "/", std::string(what));
}

std::optional<std::string> inputOfNote(std::string_view key,
                                       std::string_view what) {
  const size_t slash = key.rfind('/');
  if (key.substr(0, dataPrefix.size()) != dataPrefix ||
      slash < dataPrefix.size() || key.substr(slash + 1) != what)
    return std::nullopt;
  return std::string(key.substr(dataPrefix.size(), slash - dataPrefix.size()));
}

std::string numbersNote(const std::vector<double> &numbers) {
  std::string text;
  for (double number : numbers) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.17g", number);
    text += concat(text.empty() ? "" : ",", digits);
  }
  return text;
}

std::string namesNote(const std::vector<std::string> &names) {
  std::string text;
  // What begins a list of another form is quoted.
  bool isPlain = !names.empty() && !names[0].empty() && names[0][0] != '[' &&
                 names[0][0] != '"';
  for (const std::string &name : names) {
    isPlain &= name.find('/') == std::string::npos;
    text += concat(text.empty() ? "" : "/", name);
  }
  return isPlain ? text : quotedList(names);
}

std::vector<std::string> namesOfNote(std::string_view note) {
  if (note.substr(0, 1) == "\"")
    return namesOf(note);
  std::vector<std::string> names;
  while (true) {
    const size_t slash = note.find('/');
    names.emplace_back(note.substr(0, slash));
    if (slash == std::string_view::npos)
      return names;
    note.remove_prefix(slash + 1);
  }
}

StatusOr<TableFacts> TableFacts::restore(const Metadata &notes,
                                         const std::string &input,
                                         const std::string &path) {
  TableFacts facts;
  for (std::string_view what : {categoriesNote, classesNote})
    if (auto found = notes.find(noteKey(input, what));
        found != notes.end() && facts.names.empty())
      facts.names = namesOfNote(found->second);
  const std::pair<std::string_view, std::vector<double> *> lists[] = {
      {meanNote, &facts.mean},
      {deviationNote, &facts.deviation},
      {missingNote, &facts.fill},
      {leastNote, &facts.least},
      {mostNote, &facts.most}};
  for (auto [what, numbers] : lists) {
    const std::string key = noteKey(input, what);
    auto found = notes.find(key);
    if (found == notes.end())
      continue;
    const bool isDeviation = numbers == &facts.deviation;
    if (!parseStepNumbers(found->second, *numbers) ||
        (isDeviation && !std::all_of(numbers->begin(), numbers->end(),
                                     [](double n) { return n > 0; })))
      return Status(Code::InvalidFile,
                    concat(path, ": note ", quote(key), " is ",
                           quote(found->second),
                           isDeviation ? ", expected numbers above 0"
                                       : ", expected numbers"));
  }
  if (facts.mean.size() != facts.deviation.size())
    return Status(Code::InvalidFile,
                  concat(path, ": notes of input ", quote(input), ": ",
                         facts.mean.size(), " means and ",
                         facts.deviation.size(), " deviations"));
  return facts;
}

} // namespace nnc::runtime
