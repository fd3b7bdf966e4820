// Which numbers count most: the order in which features are shown.
#ifndef NNC_TOOLS_RANKING_H
#define NNC_TOOLS_RANKING_H

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace nnc::tools {

/// The places of `values`, those of the largest magnitude first; of equal ones
/// the first.
inline std::vector<size_t> orderByMagnitude(const std::vector<double> &values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const double first = std::abs(values[a]), second = std::abs(values[b]);
    return first != second ? first > second : a < b;
  });
  return order;
}

} // namespace nnc::tools

#endif // NNC_TOOLS_RANKING_H
