// What a program may ask of the compiler, in time, memory and text. Far above
// what programs need, and small enough that a hostile one ends in a message
// after seconds. docs/language.md lists them.
#ifndef NNC_FRONTEND_DSL_LIMITS_H
#define NNC_FRONTEND_DSL_LIMITS_H

#include <cstddef>
#include <cstdint>

namespace nnc::dsl {

/// Of a file. A token costs some 80 bytes of memory, and may be one of text.
inline constexpr size_t kMaxSourceBytes = size_t(4) << 20;
/// Of a name or a number as written.
inline constexpr size_t kMaxWordBytes = 256;
/// Of a string; file names are not longer (PATH_MAX).
inline constexpr size_t kMaxStringBytes = 4096;
/// Of a list for a reader of data, as text.
inline constexpr size_t kMaxArgumentBytes = size_t(1) << 20;
/// Of a parameter's name with the scopes that it is in.
inline constexpr size_t kMaxPathBytes = 1024;

/// Expressions and statements evaluated, turns of loops, and elements of lists
/// where these are used. Enough for networks of a thousand layers and weights
/// written out by hand, and done in seconds.
inline constexpr uint64_t kMaxSteps = 2'000'000;
inline constexpr int64_t kMaxIterations = 100'000;
/// As many as a tensor has dimensions at most (hasSupportedSize).
inline constexpr unsigned kMaxListDepth = 64;

} // namespace nnc::dsl

#endif // NNC_FRONTEND_DSL_LIMITS_H
