// Short forms of entry points: which of them run a batch, and what of its
// samples they take.
#ifndef NNC_TOOLS_SHORTFORMS_H
#define NNC_TOOLS_SHORTFORMS_H

#include "runtime/Plan.h"
#include "runtime/ThreadPool.h"
#include "tools/Data.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace nnc::tools {

/// What an entry point and its short forms run.
class ShortForms {
public:
  /// `columns` are what the inputs of `whole` are given, in its order.
  ShortForms(const runtime::Plan &plan, const runtime::EntryPoint &whole,
             std::vector<const runtime::Column *> columns);

  const runtime::EntryPoint &wholeEntry() const { return *whole; }
  bool isEmpty() const { return forms.empty(); }

  /// The shortest form that leaves out nothing but padding of these samples:
  /// its place among the forms, or their number where only the whole does.
  size_t choose(const void *const *inputs, int64_t batch);

  struct Chosen {
    const runtime::EntryPoint &entry;
    const void *const *inputs;
  };
  /// What runs these samples, and what it takes of them: pointers that stand
  /// until the next call.
  Chosen take(const void *const *inputs, int64_t batch);

private:
  /// An input in one of whose dimensions forms are shorter.
  struct Axis {
    size_t dimension = 0;
    /// Places of the dimension, how often it comes in a sample, and the bytes
    /// of one place.
    int64_t places = 0, outer = 1, placeBytes = 0;
  };
  std::optional<Axis> axisOf(size_t input) const;
  int64_t usedPlaces(size_t input, const void *data, int64_t batch) const;
  int64_t largest(size_t input, const void *data, int64_t batch) const;
  void cut(size_t input, const runtime::EntryPoint &form, int64_t batch);

  const runtime::EntryPoint *whole;
  std::vector<const runtime::Column *> columns;
  /// The shortest first.
  std::vector<const runtime::EntryPoint *> forms;
  std::vector<std::optional<Axis>> axes;
  std::vector<std::vector<uint8_t>> parts;
  std::vector<const void *> pointers;
};

/// Whether any entry point has some.
bool hasShortForms(const runtime::Plan &plan);

/// The place of the form that runs each sample alone, of all of the columns;
/// they are prepared as in evaluation. `columns` are those of `forms`.
runtime::StatusOr<std::vector<uint8_t>>
formsOfSamples(const ShortForms &forms,
               const std::vector<const runtime::Column *> &columns,
               int numThreads);

} // namespace nnc::tools

#endif // NNC_TOOLS_SHORTFORMS_H
