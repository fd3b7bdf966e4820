// Data for one input of a model: in memory as the input takes it, or samples
// that are prepared or read when they are needed.
#ifndef NNC_RUNTIME_DATA_COLUMN_H
#define NNC_RUNTIME_DATA_COLUMN_H

#include "runtime/File.h"
#include "runtime/Tensor.h"
#include "runtime/data/Samples.h"

#include <memory>
#include <shared_mutex>
#include <string>
#include <vector>

namespace nnc::runtime {

class Preparation;
class TableSamples;

/// Samples that are written as the input takes them, when they are needed. Any
/// thread may call it at any time.
class StoredSamples {
public:
  virtual ~StoredSamples() = default;
  virtual Status write(int64_t index, Workspace &work, uint8_t *to) const = 0;
  /// Whether nothing is read for a sample: all may be written at once.
  virtual bool isInMemory() const { return false; }
  /// Says that samples will soon be written, in any order: they may be read
  /// ahead and kept until `mostKept`, these included, are expected.
  virtual void expect(int64_t /*first*/, int64_t /*count*/,
                      int64_t /*mostKept*/) const {}
  /// To be held, shared, by who writes while others expect; may be null.
  virtual std::shared_mutex *kept() const { return nullptr; }
};

/// What fills the places of a sample behind its data, or before them.
struct Padding {
  int64_t value = 0;
  bool isLeft = false;
};

struct Column {
  /// The input that it fills.
  std::string name;
  ElementType elementType = ElementType::F32;
  /// Of one sample: the input's without its batch.
  Shape sampleShape;
  int64_t numSamples = 0;
  /// Sample after sample, row-major; empty where there are `samples` or they
  /// are `stored`.
  AlignedBytes data;
  /// Where samples are prepared one by one: they and what they go through.
  std::shared_ptr<const Samples> samples;
  std::shared_ptr<Preparation> preparation;
  /// Where samples are read one by one and nothing is done to them.
  std::shared_ptr<const StoredSamples> stored = nullptr;
  /// Of a table with steps, what is `stored`, until all of it is in memory.
  std::shared_ptr<TableSamples> table = nullptr;
  /// What its numbers stand for, from 0 on, where the reader knows.
  std::vector<std::string> classes = {};
  /// Of text: its tokenizer, as Tokenizer::save() gives it.
  std::string vocabulary = {};
  Padding padding = {};

  bool isInMemory() const { return !samples && !stored; }
  int64_t sampleBytes() const {
    return *numElements(sampleShape) * sizeBytes(elementType);
  }
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_COLUMN_H
