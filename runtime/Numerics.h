// Which commands of a run made numbers that are not finite.
#ifndef NNC_RUNTIME_NUMERICS_H
#define NNC_RUNTIME_NUMERICS_H

#include <cstddef>
#include <cstdint>
#include <optional>

namespace nnc::runtime {

/// What a command wrote that is not finite.
struct NonFinite {
  /// Of EntryPoint::commands.
  size_t command = 0;
  /// The first of so many elements, and how many are so.
  int64_t element = 0, elements = 0, count = 0;
};

/// The first commands of a run, in its order: an infinity may be meant, as in a
/// mask, and what is no number comes of one that was not.
struct Numerics {
  std::optional<NonFinite> firstInfinity, firstNan;
  /// Of the two, that what is no number came before, of another command: in a
  /// loop their numbers do not say.
  bool isNanFirst = false;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_NUMERICS_H
