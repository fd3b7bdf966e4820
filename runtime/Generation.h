// Sequences of tokens that go on one token at a time, by the entry point
// "generate" of a plan.
#ifndef NNC_RUNTIME_GENERATION_H
#define NNC_RUNTIME_GENERATION_H

#include "runtime/Session.h"

#include <cstdint>
#include <vector>

namespace nnc::runtime {

/// Sequences side by side in a session, which outlives it and keeps their
/// state.
class Generator {
public:
  /// NotFound where the plan has no such entry point, InvalidFile where it is
  /// not what it should be.
  static StatusOr<Generator> create(Session &session);

  const Plan &plan() const { return session->plan(); }
  /// How many go on side by side.
  int64_t sequences() const { return numSequences; }
  /// How many tokens each may have; 0: any number.
  int64_t context() const { return entry->context; }
  /// How many tokens there are.
  int64_t tokens() const { return numTokens; }
  /// How many tokens each sequence has.
  int64_t length() const { return position; }
  /// The input that has the tokens.
  const TensorInfo &tokenInput() const { return entry->inputs[inputOfTokens]; }
  /// The inputs beside the tokens, in the entry point's order.
  std::vector<const TensorInfo *> otherInputs() const;

  /// Says what is at an input of otherInputs(), which stays the caller's.
  /// InvalidArgument for a null pointer.
  Status setInput(const TensorInfo &input, const void *data);

  /// Begins all sequences anew.
  Status restart();

  /// Appends a token to each sequence; logits() are then those of the next.
  /// InvalidArgument for one that is none, and where the context is full.
  Status feed(const int32_t *tokens);

  /// A number for each token, [sequences, tokens], of the last feed.
  const std::vector<float> &logits() const { return logitsOfNext; }

  /// Sequence i goes on from where sequence origins[i] is.
  Status rearrange(const std::vector<int32_t> &origins);

private:
  Generator() = default;
  Status readLogits();

  Session *session = nullptr;
  const EntryPoint *entry = nullptr;
  /// Null where there is one sequence.
  const EntryPoint *rearrangement = nullptr;
  size_t inputOfTokens = 0;
  int64_t numSequences = 0, numTokens = 0;
  int64_t position = 0;
  std::vector<int64_t> fed;
  std::vector<int32_t> narrowFed;
  std::vector<const void *> inputs;
  std::vector<float> logitsOfNext;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_GENERATION_H
