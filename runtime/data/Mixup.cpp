// Draws mixtures, and makes them.
#include "runtime/data/Mixup.h"

#include "runtime/data/Preparation.h"

#include <cmath>
#include <cstring>

namespace nnc::runtime {

namespace {
/// As many numbers as are needed, four a counter. The upper half of a counter's
/// 64 bits counts them, the lower is the sample.
class Numbers {
public:
  Numbers(const Draw &draw, int64_t sample) : draw(draw), sample(sample) {}

  /// Above 0, at most 1.
  double next() {
    if (used == 4) {
      words = randomWords(static_cast<uint64_t>(draw.seed),
                          static_cast<uint32_t>(draw.epoch), mixupStream,
                          static_cast<uint64_t>(sample) ^ (turn++ << 40));
      used = 0;
    }
    return (words[used++] + 1.0) / 4294967296.0;
  }

private:
  Draw draw;
  int64_t sample;
  uint64_t turn = 0;
  RandomWords words{};
  size_t used = 4;
};
} // namespace

/// Box and Muller, "A Note on the Generation of Random Normal Deviates", 1958.
static double drawNormal(Numbers &numbers) {
  constexpr double turn = 6.283185307179586;
  const double radius = std::sqrt(-2 * std::log(numbers.next()));
  return radius * std::cos(turn * numbers.next());
}

/// The logarithm of a number from Gamma(alpha, 1): Marsaglia and Tsang, "A
/// Simple Method for Generating Gamma Variables", 2000; for alpha below 1 their
/// section 6, as a logarithm so that nothing becomes 0.
static double drawLogGamma(Numbers &numbers, double alpha) {
  const double more = alpha < 1 ? std::log(numbers.next()) / alpha : 0;
  const double d = (alpha < 1 ? alpha + 1 : alpha) - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = drawNormal(numbers);
    const double v = std::pow(1 + c * x, 3);
    if (v <= 0)
      continue;
    if (std::log(numbers.next()) < x * x / 2 + d - d * v + d * std::log(v))
      return std::log(d * v) + more;
  }
}

Mixture drawMixture(double alpha, const Draw &draw, int64_t sample,
                    const std::vector<int64_t> &samples) {
  Numbers numbers(draw, sample);
  const auto count = static_cast<double>(samples.size());
  // next() is above 0: from the end, so that none is left out.
  const auto place = static_cast<size_t>(std::ceil(numbers.next() * count)) - 1;
  const double first = drawLogGamma(numbers, alpha);
  const double second = drawLogGamma(numbers, alpha);
  return {samples[place], 1 / (1 + std::exp(second - first))};
}

void mix(const Column &column, double share, uint8_t *sample,
         const uint8_t *partner) {
  const int64_t bytes = sizeBytes(column.elementType);
  const int64_t end = column.sampleBytes();
  for (int64_t i = 0; i < end; i += bytes) {
    const double own = toDouble(column.elementType, sample + i);
    const double other = toDouble(column.elementType, partner + i);
    fromDouble(column.elementType, share * own + (1 - share) * other,
               sample + i);
  }
}

} // namespace nnc::runtime
