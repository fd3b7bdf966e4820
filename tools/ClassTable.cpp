// See ClassTable.h.
#include "tools/ClassTable.h"

#include "tools/Text.h"

#include <algorithm>
#include <cstdio>

namespace nnc::tools {

static double share(double part, double whole) {
  return whole == 0 ? 0 : part / whole;
}

std::vector<ClassScores>
scoreClasses(const std::vector<std::vector<double>> &confusion,
             const std::vector<std::string> *names) {
  std::vector<ClassScores> classes;
  for (size_t c = 0; c < confusion.size(); ++c) {
    ClassScores &scores = classes.emplace_back();
    scores.name = names ? (*names)[c] : std::to_string(c);
    double chosen = 0;
    for (size_t other = 0; other < confusion.size(); ++other) {
      chosen += confusion[other][c];
      scores.samples += confusion[c][other];
    }
    const double hits = confusion[c][c];
    scores.precision = share(hits, chosen);
    scores.recall = share(hits, scores.samples);
    scores.f1 = share(2 * hits, chosen + scores.samples);
  }
  return classes;
}

std::string classTable(const std::vector<ClassScores> &classes) {
  size_t width = std::string_view("class").size();
  for (const ClassScores &scores : classes)
    width = std::max(width, printable(scores.name).size());
  std::string table = "class" + std::string(width - 5, ' ') +
                      "  precision  recall      f1  samples\n";
  for (const ClassScores &scores : classes) {
    const std::string name = printable(scores.name);
    char numbers[96];
    std::snprintf(numbers, sizeof numbers, "  %9.4f  %6.4f  %6.4f  %7.0f\n",
                  scores.precision, scores.recall, scores.f1, scores.samples);
    table += name + std::string(width - name.size(), ' ') + numbers;
  }
  return table;
}

} // namespace nnc::tools
