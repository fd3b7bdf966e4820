// Draws by the inverse of the cumulated distribution of the tokens that are
// left.
#include "runtime/Sampling.h"

#include "runtime/Random.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <vector>

namespace nnc::runtime {

static std::string shortest(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

Status checkSampling(const Sampling &sampling) {
  if (!(sampling.temperature >= 0 && std::isfinite(sampling.temperature)))
    return {Code::InvalidArgument,
            concat("temperature is ", shortest(sampling.temperature),
                   ", expected a number of at least 0")};
  if (sampling.topK < 0)
    return {Code::InvalidArgument,
            concat("top_k is ", sampling.topK, ", expected 0 or more")};
  if (!(sampling.topP > 0 && sampling.topP <= 1))
    return {Code::InvalidArgument,
            concat("top_p is ", shortest(sampling.topP),
                   ", expected a number above 0 and at most 1")};
  return {};
}

namespace {
/// By falling logit, and of equal ones the first before the second.
struct IsLikelier {
  const float *logits;
  bool operator()(int32_t a, int32_t b) const {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  }
};
} // namespace

/// In [0, 1): 53 bits of a stream of its own.
static double drawUniform(const Sampling &sampling, uint64_t index,
                          uint32_t sequence) {
  // "next" in ASCII: no random op of a program counts so far.
  constexpr uint32_t stream = 0x6e657874;
  RandomWords words = randomWords(sampling.seed, sequence, stream, index);
  uint64_t bits = uint64_t(words[0]) << 32 | words[1];
  return (bits >> 11) * 0x1p-53;
}

/// The tokens to draw from, the likeliest first where not all are.
static std::vector<int32_t> chooseCandidates(const float *logits, int64_t count,
                                             const Sampling &sampling) {
  std::vector<int32_t> tokens;
  tokens.reserve(count);
  for (int64_t i = 0; i < count; ++i)
    if (!std::isnan(logits[i]))
      tokens.push_back(i);
  const bool isCut =
      sampling.topK > 0 && sampling.topK < int64_t(tokens.size());
  IsLikelier isLikelier{logits};
  if (isCut) {
    std::partial_sort(tokens.begin(), tokens.begin() + sampling.topK,
                      tokens.end(), isLikelier);
    tokens.resize(sampling.topK);
  } else if (sampling.topP < 1) {
    std::sort(tokens.begin(), tokens.end(), isLikelier);
  }
  return tokens;
}

Status noTokenLeft() {
  return {Code::NotFinite,
          "no token can follow: none of the logits is a number "
          "above minus infinity"};
}

StatusOr<int32_t> drawToken(const float *logits, int64_t count,
                            const Sampling &sampling, uint64_t index,
                            uint32_t sequence) {
  int32_t likeliest = 0;
  for (int64_t i = 1; i < count; ++i)
    if (logits[i] > logits[likeliest] || std::isnan(logits[likeliest]))
      likeliest = i;
  const double largest = logits[likeliest];
  if (!(largest > -INFINITY))
    return noTokenLeft();
  // An infinite one leaves no other a share.
  if (sampling.temperature == 0 || std::isinf(largest))
    return likeliest;
  std::vector<int32_t> tokens = chooseCandidates(logits, count, sampling);
  std::vector<double> shares(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i)
    shares[i] = std::exp((logits[tokens[i]] - largest) / sampling.temperature);
  double total = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (sampling.topP < 1) {
    double kept = 0;
    size_t number = 0;
    while (number < shares.size() && kept < sampling.topP * total)
      kept += shares[number++];
    shares.resize(number);
    total = kept;
  }
  double rest = drawUniform(sampling, index, sequence) * total;
  for (size_t i = 0; i < shares.size(); ++i)
    if ((rest -= shares[i]) < 0)
      return int32_t(tokens[i]);
  // What rounding left over is the last's that has a share.
  size_t last = shares.size() - 1;
  while (last > 0 && shares[last] == 0)
    --last;
  return int32_t(tokens[last]);
}

} // namespace nnc::runtime
