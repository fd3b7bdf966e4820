// Tensors in files: the safetensors format, written whole or not at all, and
// read as if an enemy had written it.
//
// Format: https://huggingface.co/docs/safetensors: eight bytes of little-endian
// header length, a JSON header that names each tensor's type, shape and place,
// then the tensors' bytes without gaps.
#ifndef NNC_RUNTIME_CHECKPOINT_H
#define NNC_RUNTIME_CHECKPOINT_H

#include "runtime/File.h"
#include "runtime/Status.h"
#include "runtime/Tensor.h"

#include <map>
#include <string>
#include <vector>

namespace nnc::runtime {

using Metadata = std::map<std::string, std::string>;

/// A tensor to be written; `data` is borrowed.
struct TensorToSave {
  std::string name;
  ElementType elementType = ElementType::F32;
  Shape shape;
  const void *data = nullptr;
};

/// Replaces the file `path`. The file is complete or what it was before, even
/// if the process or the machine stops: written beside as "PATH.part", flushed,
/// renamed. IoError if that fails.
Status writeSafetensors(const std::string &path,
                        const std::vector<TensorToSave> &tensors,
                        const Metadata &metadata);

struct SavedTensor {
  std::string name;
  ElementType elementType = ElementType::F32;
  Shape shape;
  /// From the start of the file.
  int64_t offsetBytes = 0;
  int64_t sizeBytes = 0;
};

/// An open file whose header is verified: each tensor's bytes are inside the
/// file, fit its shape, and overlap no other's.
class SafetensorsFile {
public:
  static StatusOr<SafetensorsFile> open(const std::string &path);

  const std::vector<SavedTensor> &tensors() const { return entries; }
  const Metadata &metadata() const { return facts; }

  /// Reads sizeBytes bytes of one of tensors().
  Status read(const SavedTensor &tensor, void *to) const;

private:
  std::string path;
  OpenFile file;
  std::vector<SavedTensor> entries;
  Metadata facts;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_CHECKPOINT_H
