// Tensors in files: the safetensors format, written whole or not at all, and
// read as if an enemy had written it.
//
// Format: https://huggingface.co/docs/safetensors: eight bytes of little-endian
// header length, a JSON header that names each tensor's type, shape and place,
// then the tensors' bytes without gaps.
#ifndef NNC_RUNTIME_CHECKPOINT_H
#define NNC_RUNTIME_CHECKPOINT_H

#include "runtime/File.h"
#include "runtime/PlanNames.h"
#include "runtime/Status.h"
#include "runtime/Tensor.h"

#include <map>
#include <string>
#include <string_view>
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

/// Keys of the metadata that begin so are nnc's own.
inline constexpr std::string_view metadataPrefix = "nnc.";
/// "weights" or "checkpoint".
inline constexpr const char *kindKey = "nnc.file";

bool startsWith(std::string_view text, std::string_view prefix);

/// Whether a tensor of this name is not a weight.
bool isReservedName(std::string_view name);

/// Replaces the file `path`, as AtomicFile does. InvalidArgument for two
/// tensors of one name or text that is not UTF-8, NotFound if there is no such
/// folder, IoError if the system refuses.
Status writeSafetensors(const std::string &path,
                        const std::vector<TensorToSave> &tensors,
                        const Metadata &metadata);

struct SavedTensor {
  std::string name;
  ElementType elementType = ElementType::F32;
  /// A type of the format that nnc does not have, as the format names it; null
  /// where elementType is the type.
  const char *foreignType = nullptr;
  Shape shape;
  /// From the start of the file.
  int64_t offsetBytes = 0;
  int64_t sizeBytes = 0;
};

/// "f32[2, 3]".
std::string describe(const SavedTensor &tensor);

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
