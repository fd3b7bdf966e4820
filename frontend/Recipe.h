// The numbers of a training recipe, which every way to write a program shares.
#ifndef NNC_FRONTEND_RECIPE_H
#define NNC_FRONTEND_RECIPE_H

#include "mlir/IR/Types.h"

#include "llvm/ADT/StringRef.h"

#include <limits>

namespace nnc {

/// A setting that is a number, and which numbers it may be.
struct NumberSetting {
  llvm::StringRef name;
  bool isInteger;
  double least;
  bool leastIsIn;
  double below; // excluded
  llvm::StringRef expected;

  /// False for what is no number, too.
  bool admits(double value) const {
    return value < below && (leastIsIn ? value >= least : value > least);
  }
};

constexpr double kNoLimit = std::numeric_limits<double>::infinity();
inline constexpr NumberSetting kNumberSettings[] = {
    {"batch", true, 1, true, 16777217, "a whole number from 1 to 2^24"},
    {"epochs", true, 1, true, 1e9, "a whole number of at least 1"},
    {"seed", true, 0, true, kNoLimit, "a whole number of at least 0"},
    {"validation", false, 0, true, 1, "a share of at least 0 and below 1"},
    {"clip_norm", false, 0, false, kNoLimit, "a number above 0"},
    {"clip_value", false, 0, false, kNoLimit, "a number above 0"},
};

/// The types that `precision` may name. f16 is not among them: its gradients
/// would vanish without a scaled loss.
inline bool isPrecision(mlir::Type type) {
  return type.isF32() || type.isBF16();
}

inline constexpr llvm::StringRef kSplits[] = {"train", "test"};
// Readers of runtime/data. What each takes besides the file's name is checked
// where the file is read, at the place that `loc` keeps.
inline constexpr llvm::StringRef kReaders[] = {"idx", "npy", "npz", "csv"};

} // namespace nnc

#endif // NNC_FRONTEND_RECIPE_H
