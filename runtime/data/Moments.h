// Means and deviations of what training data hold, gathered in parts that are
// added in a fixed order: the same at any number of threads.
#ifndef NNC_RUNTIME_DATA_MOMENTS_H
#define NNC_RUNTIME_DATA_MOMENTS_H

#include <cmath>
#include <cstddef>
#include <vector>

namespace nnc::runtime {

/// Of each field, or channel: how many numbers, their mean, and the sum of
/// their squared distances from it.
struct Moments {
  std::vector<double> count, mean, squares;

  explicit Moments(size_t fields = 0)
      : count(fields), mean(fields), squares(fields) {}

  // Welford's update (Knuth, TAOCP vol. 2, 4.2.2): of numbers that are all the
  // same the mean is that number, to the last bit, and no square is above 0.
  void add(size_t field, double number) {
    const double distance = number - mean[field];
    mean[field] += distance / ++count[field];
    squares[field] += distance * (number - mean[field]);
  }

  // Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for
  // Computing Sample Variances", 1979, equation 2.1.
  void add(const Moments &other) {
    for (size_t i = 0; i < mean.size(); ++i) {
      if (other.count[i] == 0)
        continue;
      const double total = count[i] + other.count[i];
      const double distance = other.mean[i] - mean[i];
      mean[i] += distance * (other.count[i] / total);
      squares[i] += other.squares[i] +
                    distance * distance * count[i] * other.count[i] / total;
      count[i] = total;
    }
  }

  /// What a field is scaled by: 1 where it is the same everywhere, so that it
  /// becomes 0. Not a number where there is none.
  double deviation(size_t field) const {
    const double deviation = std::sqrt(squares[field] / count[field]);
    return deviation == 0 ? 1 : deviation;
  }
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_MOMENTS_H
