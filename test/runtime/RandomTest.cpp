// The generator gives the words of its paper, and each stream its own.
#include "runtime/Random.h"

#include <gtest/gtest.h>

using namespace nnc::runtime;

// Known answers of Random123 (kat_vectors, philox4x32 10): counter, key,
// result.
TEST(Random, PhiloxKnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (RandomWords{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
            (RandomWords{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  // Digits of pi.
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                   {0xa4093822, 0x299f31d0}),
            (RandomWords{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, CounterAndKeyOrder) {
  EXPECT_EQ(randomWords(0x299f31d0a4093822, 0x13198a2e, 0x03707344,
                        0x85a308d3243f6a88),
            (RandomWords{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, ElementsOfAVectorComeFromEightCounters) {
  for (uint64_t element = 0; element < 96; ++element) {
    uint64_t group = element / 32, word = element % 32 / 8, lane = element % 8;
    EXPECT_EQ(randomWord(3, 5, 7, element),
              randomWords(3, 5, 7, 8 * group + lane)[word]);
  }
}
