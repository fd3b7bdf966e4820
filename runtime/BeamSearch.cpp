// Extends each continuation by each token, and keeps the likeliest.
#include "runtime/BeamSearch.h"

#include "runtime/Sampling.h"

#include <algorithm>
#include <cmath>

namespace nnc::runtime {

namespace {
/// A continuation and one token more.
struct Candidate {
  size_t origin;
  int32_t token;
  double logProbability;
};
} // namespace

static bool isLikelier(const Beam &a, const Beam &b) {
  return a.logProbability != b.logProbability
             ? a.logProbability > b.logProbability
             : a.tokens < b.tokens;
}

/// The logarithm of the sum of e^logit.
static double logSum(const float *logits, int64_t count) {
  double largest = -INFINITY, sum = 0;
  for (int64_t i = 0; i < count; ++i)
    largest = std::max<double>(largest, logits[i]);
  if (!std::isfinite(largest))
    return largest;
  for (int64_t i = 0; i < count; ++i)
    if (!std::isnan(logits[i]))
      sum += std::exp(logits[i] - largest);
  return largest + std::log(sum);
}

/// The likeliest continuations of `beams`, which are of the generator's
/// sequences in their order, by one token.
static std::vector<Candidate> extend(const std::vector<Beam> &beams,
                                     const Generator &generator) {
  std::vector<Candidate> candidates;
  const int64_t count = generator.tokens();
  const size_t most = generator.sequences();
  auto isBetter = [&](const Candidate &a, const Candidate &b) {
    if (a.logProbability != b.logProbability)
      return a.logProbability > b.logProbability;
    return a.origin != b.origin ? a.origin < b.origin : a.token < b.token;
  };
  for (size_t i = 0; i < beams.size(); ++i) {
    const float *logits = generator.logits().data() + i * count;
    const double total = logSum(logits, count);
    for (int64_t token = 0; token < count; ++token) {
      // An infinite one leaves no other a share.
      const double own = logits[token] == INFINITY ? 0 : logits[token] - total;
      if (own > -INFINITY)
        candidates.push_back(
            {i, int32_t(token), beams[i].logProbability + own});
    }
    // What is not among the likeliest of one is not among those of all.
    if (candidates.size() > most) {
      std::partial_sort(candidates.begin(), candidates.begin() + most,
                        candidates.end(), isBetter);
      candidates.resize(most);
    }
  }
  std::sort(candidates.begin(), candidates.end(), isBetter);
  return candidates;
}

/// Feeds each of `beams` its last token, from where its origin is.
static Status follow(Generator &generator, const std::vector<Beam> &beams,
                     const std::vector<int32_t> &origins) {
  std::vector<int32_t> all = origins, tokens;
  for (const Beam &beam : beams)
    tokens.push_back(beam.tokens.back());
  // Sequences that nobody needs do what the first does.
  all.resize(generator.sequences(), origins.front());
  tokens.resize(generator.sequences(), tokens.front());
  if (Status status = generator.rearrange(all); !status.isOk())
    return status;
  return generator.feed(tokens.data());
}

static Status feedPrompt(Generator &generator,
                         const std::vector<int32_t> &prompt) {
  if (prompt.empty())
    return {Code::InvalidArgument, "the prompt has no token"};
  Status status = generator.restart();
  for (size_t i = 0; i < prompt.size() && status.isOk(); ++i)
    status = generator.feed(
        std::vector<int32_t>(generator.sequences(), prompt[i]).data());
  return status;
}

StatusOr<std::vector<Beam>>
searchBeams(Generator &generator, const std::vector<int32_t> &prompt,
            int64_t count,
            const std::function<bool(const std::vector<int32_t> &)> &hasEnded) {
  if (Status status = feedPrompt(generator, prompt); !status.isOk())
    return status;
  std::vector<Beam> running(1), ended;
  for (int64_t i = 0; i < count && !running.empty(); ++i) {
    std::vector<Beam> extended;
    std::vector<int32_t> origins;
    const std::vector<Candidate> candidates = extend(running, generator);
    if (candidates.empty() && ended.empty())
      return noTokenLeft();
    for (const Candidate &candidate : candidates) {
      Beam beam = running[candidate.origin];
      beam.tokens.push_back(candidate.token);
      beam.logProbability = candidate.logProbability;
      beam.hasEnded = hasEnded && hasEnded(beam.tokens);
      if (beam.hasEnded) {
        ended.push_back(std::move(beam));
        continue;
      }
      extended.push_back(std::move(beam));
      origins.push_back(candidate.origin);
    }
    running = std::move(extended);
    std::sort(ended.begin(), ended.end(), isLikelier);
    // A token more makes nothing likelier.
    const bool isDone = !ended.empty() &&
                        (running.empty() || ended.front().logProbability >=
                                                running.front().logProbability);
    if (isDone || i + 1 == count || running.empty())
      break;
    if (Status status = follow(generator, running, origins); !status.isOk())
      return status;
  }
  std::sort(running.begin(), running.end(), isLikelier);
  ended.insert(ended.end(), running.begin(), running.end());
  return ended;
}

} // namespace nnc::runtime
