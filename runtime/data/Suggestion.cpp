// The nearest word by the edits between them.
#include "runtime/data/Suggestion.h"

#include "runtime/Status.h"

#include <algorithm>

namespace nnc::runtime {

/// How many letters must be changed, added, left out, or exchanged with their
/// neighbour (Damerau 1964; here each part is edited once).
static size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> beforeLast, last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min(
          {last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      bool isSwapped =
          i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (isSwapped)
        row[j] = std::min(row[j], beforeLast[j - 2] + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.size()];
}

std::string suggestion(std::string_view word,
                       const std::vector<std::string> &known) {
  // The words are a person's: what is longer is no slip of one.
  constexpr size_t longest = 64;
  const std::string *nearest = nullptr;
  size_t least = (word.size() + 1) / 3 + 1;
  for (const std::string &candidate : known) {
    if (word.size() > longest || candidate.size() > longest)
      continue;
    size_t edits = distance(word, candidate);
    if (edits < least) {
      least = edits;
      nearest = &candidate;
    }
  }
  return nearest ? concat("; did you mean ", quote(*nearest), "?")
                 : std::string();
}

} // namespace nnc::runtime
