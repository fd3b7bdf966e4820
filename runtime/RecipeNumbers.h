// The numbers of a training recipe, and which each may be. The language, MLIR,
// graphs and plans refuse others with the same words. Alone and inline: the
// compiler asks it too.
#ifndef NNC_RUNTIME_RECIPENUMBERS_H
#define NNC_RUNTIME_RECIPENUMBERS_H

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace nnc::runtime {

struct RecipeNumber {
  std::string_view name;
  bool isInteger;
  double least;
  bool leastIsIn;
  double below; ///< Excluded.
  std::string_view expected;
  /// Said for each optimizer, and not for the whole run.
  bool isOfUpdate = false;
  /// A statement of the language says it, and no line of its name.
  bool isOfStatement = false;

  /// False for what is no number, too.
  constexpr bool admits(double value) const {
    return value < below && (leastIsIn ? value >= least : value > least);
  }

  /// What is wrong, where `found` is another value.
  std::string refuse(std::string_view found) const {
    std::string message = "'";
    message.append(name).append("' must be ").append(expected);
    return message.append(", found ").append(found);
  }
};

inline constexpr double noLimit = std::numeric_limits<double>::infinity();
inline constexpr RecipeNumber recipeNumbers[] = {
    {"batch", true, 1, true, 16777217, "a whole number from 1 to 2^24"},
    {"epochs", true, 1, true, 1e9, "a whole number of at least 1"},
    {"seed", true, 0, true, noLimit, "a whole number of at least 0"},
    {"split_seed", true, 0, true, noLimit, "a whole number of at least 0"},
    {"stop_epochs", true, 1, true, 1e9, "a whole number of at least 1", false,
     true},
    {"stop_change", false, 0, true, noLimit, "a number of at least 0", false,
     true},
    {"validation", false, 0, true, 1, "a share of at least 0 and below 1"},
    {"shuffle", true, 1, true, 4294967296.0,
     "a whole number from 1 to 2^32 - 1, of samples"},
    {"memory_budget", true, 1, true, 9007199254740992.0,
     "a size of at least 1 byte and below 8 PiB, as in 40 GiB"},
    {"accumulate", true, 1, true, 1048577, "a whole number from 1 to 2^20"},
    {"clip_norm", false, 0, false, noLimit, "a number above 0", true},
    {"clip_value", false, 0, false, noLimit, "a number above 0", true},
};

/// How many training steps the order of a round may have, and how often one may
/// run in its turn.
inline constexpr size_t mostOrderedSteps = 256;
inline constexpr int64_t mostTimesInTurn = 1000;

/// Null if no number of a recipe has this name.
inline const RecipeNumber *findRecipeNumber(std::string_view name) {
  for (const RecipeNumber &number : recipeNumbers)
    if (number.name == name)
      return &number;
  return nullptr;
}

} // namespace nnc::runtime

#endif // NNC_RUNTIME_RECIPENUMBERS_H
