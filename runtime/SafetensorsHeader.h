// The JSON header of a safetensors file. Private to Checkpoint.cpp.
#ifndef NNC_RUNTIME_SAFETENSORSHEADER_H
#define NNC_RUNTIME_SAFETENSORSHEADER_H

#include "runtime/Checkpoint.h"

#include <string_view>

namespace nnc::runtime {

/// The header for tensors that follow each other in this order.
std::string printHeader(const std::vector<const TensorToSave *> &tensors,
                        const Metadata &metadata);

/// Parses a header. Offsets are from the end of the header, and not checked
/// beyond that they are numbers and fit the tensor's shape. InvalidFile, with
/// the byte of the header where it is wrong.
Status parseHeader(std::string_view header, std::vector<SavedTensor> &tensors,
                   Metadata &metadata);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_SAFETENSORSHEADER_H
