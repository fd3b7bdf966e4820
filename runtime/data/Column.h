// Data in memory: what one input of a model is fed from.
#ifndef NNC_RUNTIME_DATA_COLUMN_H
#define NNC_RUNTIME_DATA_COLUMN_H

#include "runtime/File.h"
#include "runtime/Tensor.h"

#include <string>

namespace nnc::runtime {

struct Column {
  /// The input that it fills.
  std::string name;
  ElementType elementType = ElementType::F32;
  /// Of one sample: the input's without its batch.
  Shape sampleShape;
  int64_t numSamples = 0;
  /// Sample after sample, row-major.
  AlignedBytes data;

  int64_t sampleBytes() const {
    return *numElements(sampleShape) * sizeBytes(elementType);
  }
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_COLUMN_H
