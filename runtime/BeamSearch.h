// The likeliest continuation of a prompt among those that a few sequences side
// by side find.
#ifndef NNC_RUNTIME_BEAMSEARCH_H
#define NNC_RUNTIME_BEAMSEARCH_H

#include "runtime/Generation.h"

#include <functional>
#include <vector>

namespace nnc::runtime {

struct Beam {
  /// Those that were found, without the prompt; the last is what ended it, if
  /// anything did.
  std::vector<int32_t> tokens;
  /// The logarithm of their probability, given the prompt.
  double logProbability = 0;
  bool hasEnded = false;
};

/// Keeps, after each token, the `generator.sequences()` likeliest
/// continuations, and of those that have ended the likeliest. Of equal ones,
/// that with the smaller tokens goes first. Ends after `count` tokens, or once
/// nothing that goes on is likelier than what has ended.
///
/// prompt   fed first, after a restart; at least one token.
/// hasEnded whether a continuation is complete; null: none is.
///
/// Returns the likeliest first, an ended one before others; NotFinite if there
/// is no token that can follow.
StatusOr<std::vector<Beam>>
searchBeams(Generator &generator, const std::vector<int32_t> &prompt,
            int64_t count,
            const std::function<bool(const std::vector<int32_t> &)> &hasEnded);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_BEAMSEARCH_H
