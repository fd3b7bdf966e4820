// Data for one input of a model: in memory as the input takes it, or samples
// that are prepared when they are needed.
#ifndef NNC_RUNTIME_DATA_COLUMN_H
#define NNC_RUNTIME_DATA_COLUMN_H

#include "runtime/File.h"
#include "runtime/Tensor.h"
#include "runtime/data/Samples.h"

#include <memory>
#include <string>
#include <vector>

namespace nnc::runtime {

class Preparation;

struct Column {
  /// The input that it fills.
  std::string name;
  ElementType elementType = ElementType::F32;
  /// Of one sample: the input's without its batch.
  Shape sampleShape;
  int64_t numSamples = 0;
  /// Sample after sample, row-major; empty where there are `samples`.
  AlignedBytes data;
  /// Where samples are prepared one by one: they and what they go through.
  std::shared_ptr<const Samples> samples;
  std::shared_ptr<Preparation> preparation;
  /// What its numbers stand for, from 0 on, where the reader knows.
  std::vector<std::string> classes;

  bool isInMemory() const { return !samples; }
  int64_t sampleBytes() const {
    return *numElements(sampleShape) * sizeBytes(elementType);
  }
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_COLUMN_H
