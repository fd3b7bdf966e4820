// The counter-based generator behind initial values, dropout and shuffling: the
// same bits on every target, at any number of threads. Generated code follows
// this file.
#ifndef NNC_RUNTIME_RANDOM_H
#define NNC_RUNTIME_RANDOM_H

#include <array>
#include <cstdint>

namespace nnc::runtime {

using RandomWords = std::array<uint32_t, 4>;
using RandomKey = std::array<uint32_t, 2>;

/// Philox4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
/// easy as 1, 2, 3", SC 2011, section 3.3; constants from its reference
/// implementation, Random123.
inline RandomWords philox(RandomWords counter, RandomKey key) {
  constexpr uint64_t multiplier0 = 0xD2511F53, multiplier1 = 0xCD9E8D57;
  // Weyl sequence: the golden ratio, and sqrt(3) - 1.
  constexpr uint32_t increment0 = 0x9E3779B9, increment1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    uint64_t product0 = multiplier0 * counter[0];
    uint64_t product1 = multiplier1 * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(product0)};
    key[0] += increment0;
    key[1] += increment1;
  }
  return counter;
}

/// The four words at `index` of a stream.
///
/// seed     of the session: the key, low word first.
/// step     of the session, its low 32 bits; so that each step draws anew. In
///          "predict" and "eval_step", generated code carries in the upper 32
///          bits how many samples of the set come before the batch
///          (ir/SampleNumbers.h).
/// stream   which random op of the program, so that each draws its own.
/// index    64-bit counter, low word first.
///
/// The counter is (index low, index high, step, stream).
inline RandomWords randomWords(uint64_t seed, uint32_t step, uint32_t stream,
                               uint64_t index) {
  return philox(
      {static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32), step,
       stream},
      {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
}

/// The word that belongs to one element of a random tensor.
///
/// element  linear, row-major index, in "predict" and "eval_step" counted from
///          the first sample of the set. Elements 32 q + 8 w + r, with w below 4
///          and r below 8, use word w of the counter index 8 q + r. A vector of
///          eight lanes thus makes 32 consecutive elements from eight counters,
///          without moving a word between lanes.
inline uint32_t randomWord(uint64_t seed, uint32_t step, uint32_t stream,
                           uint64_t element) {
  uint64_t index = element / 32 * 8 + element % 8;
  return randomWords(seed, step, stream, index)[element / 8 % 4];
}

} // namespace nnc::runtime

#endif // NNC_RUNTIME_RANDOM_H
