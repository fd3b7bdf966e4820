// The data of a model's `data` block in memory, matched to an entry point's
// inputs and checked against them.
#ifndef NNC_TOOLS_DATA_H
#define NNC_TOOLS_DATA_H

#include "runtime/Plan.h"
#include "runtime/Status.h"

#include <cstdint>
#include <string>
#include <vector>

namespace nnc::tools {

/// Samples for the inputs of one entry point: a column an input, each sample
/// contiguous.
class InputData {
public:
  struct Column {
    std::vector<uint8_t> bytes;
    int64_t sampleBytes = 0;
  };

  int64_t numSamples() const { return samples; }

  /// Where `firstSample` begins in each column: the inputs of a batch of
  /// neighbouring samples, in place.
  std::vector<const void *> pointersAt(int64_t firstSample) const;

  /// Copies the samples `order[0 .. count)` into `batch`, one buffer an input,
  /// which it sizes.
  void gather(const int64_t *order, int64_t count,
              std::vector<std::vector<uint8_t>> &batch) const;

  int64_t samples = 0;
  std::vector<Column> columns;
};

/// Reads the bindings of `split` that `entry` needs; files are sought in
/// `folder`. `maxSamples` 0: all. Returns an exit status, after a diagnostic at
/// the binding where a file is missing or unreadable, its shape or type is not
/// the input's, or an index is out of range.
int loadSplit(const runtime::Plan &plan, const runtime::EntryPoint &entry,
              const std::string &split, const std::string &folder,
              int64_t maxSamples, InputData &data);

/// Whether the model's data block binds `split`.
bool bindsSplit(const runtime::Plan &plan, const std::string &split);

/// Random samples of the inputs' types and ranges, the same every time.
InputData inventInputs(const runtime::EntryPoint &entry, int64_t numSamples);

/// The model's training data where it is bound and all its files are there,
/// random samples otherwise.
InputData loadOrInvent(const runtime::Plan &plan, const runtime::EntryPoint &entry,
                       const std::string &folder, int64_t numSamples);

} // namespace nnc::tools

#endif // NNC_TOOLS_DATA_H
