// How well each class is told from the others: precision, recall and F1, from
// the counts of a confusion matrix.
#ifndef NNC_TOOLS_CLASSTABLE_H
#define NNC_TOOLS_CLASSTABLE_H

#include <string>
#include <vector>

namespace nnc::tools {

struct ClassScores {
  std::string name; ///< Its number where it has no name.
  double precision = 0, recall = 0, f1 = 0;
  double samples = 0;
};

/// `confusion` has a row a class and a column a prediction; `names`, if it is
/// not null, has as many names. A share of nothing is 0.
std::vector<ClassScores>
scoreClasses(const std::vector<std::vector<double>> &confusion,
             const std::vector<std::string> *names);

/// A line a class under a line of headings.
std::string classTable(const std::vector<ClassScores> &classes);

} // namespace nnc::tools

#endif // NNC_TOOLS_CLASSTABLE_H
