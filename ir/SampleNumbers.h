// How the elements of a random tensor are numbered where samples come in
// batches of any size: over the whole set.
#ifndef NNC_IR_SAMPLENUMBERS_H
#define NNC_IR_SAMPLENUMBERS_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace nnc {

/// A unit attribute of random ops whose shape has the batch. The upper half of
/// the operand `step` is then how many samples of the set come before the
/// batch, and an element's number is (samples before + its index of the batch)
/// * the elements of a sample + its place in the sample, row-major. Where the
/// batch is the outermost dimension, that is how one large batch numbers the
/// same rows.
inline constexpr llvm::StringLiteral kSampleNumbersAttr = "nnc.sample_numbers";

/// The scalar of state that says how many samples of the set come before the
/// batch; only where a model draws numbers for each sample.
inline constexpr llvm::StringLiteral kFirstSampleName = "first_sample";

/// By how much `step` is shifted; the generator takes its lower half alone.
inline constexpr int64_t kSamplesBeforeShift = 32;

} // namespace nnc

#endif // NNC_IR_SAMPLENUMBERS_H
