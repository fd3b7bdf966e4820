// Places tensors in safetensors files, and finds them there again.
#include "runtime/Checkpoint.h"

#include "runtime/AtomicFile.h"
#include "runtime/SafetensorsHeader.h"

#include <algorithm>
#include <set>

namespace nnc::runtime {

static constexpr int64_t lengthBytes = 8;

// The limit of the stock library.
static constexpr int64_t longestHeaderBytes = 100'000'000;

bool startsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool isReservedName(std::string_view name) {
  return startsWith(name, optimizerPrefix) || startsWith(name, scalarPrefix) ||
         startsWith(name, keptPrefix);
}

static std::string encodeLength(uint64_t length) {
  std::string bytes;
  for (int i = 0; i < lengthBytes; ++i)
    bytes += static_cast<char>(length >> 8 * i);
  return bytes;
}

static uint64_t decodeLength(const unsigned char *bytes) {
  uint64_t length = 0;
  for (int i = 0; i < lengthBytes; ++i)
    length |= static_cast<uint64_t>(bytes[i]) << 8 * i;
  return length;
}

// Other libraries read the header as JSON, which is UTF-8 and has each key
// once.
static Status checkText(const std::vector<TensorToSave> &tensors,
                        const Metadata &metadata) {
  std::set<std::string_view> names;
  for (const TensorToSave &tensor : tensors) {
    if (!names.insert(tensor.name).second)
      return {Code::InvalidArgument,
              concat("two tensors to save have the name ", quote(tensor.name))};
    if (tensor.name == metadataName)
      return {Code::InvalidArgument,
              concat("no tensor can have the name ", quote(tensor.name),
                     ", a key of the header")};
    if (!isUtf8(tensor.name))
      return {Code::InvalidArgument,
              concat("the tensor name ", quote(tensor.name), " is not UTF-8")};
  }
  for (const auto &[key, value] : metadata)
    if (!isUtf8(key) || !isUtf8(value))
      return {Code::InvalidArgument, concat("the metadata ", quote(key), " = ",
                                            quote(value), " is not UTF-8")};
  return {};
}

static Status writeContents(AtomicFile &file, const std::string &path,
                            const std::vector<const TensorToSave *> &tensors,
                            const Metadata &metadata) {
  std::string header = printHeader(tensors, metadata);
  // The format allows spaces at the end; the tensors then start aligned.
  constexpr size_t alignment = 64;
  size_t total = lengthBytes + header.size();
  header.append((alignment - total % alignment) % alignment, ' ');
  if (static_cast<int64_t>(header.size()) > longestHeaderBytes)
    return {Code::InvalidArgument,
            concat(path, ": names and metadata take ", header.size(),
                   " bytes, the format allows ", longestHeaderBytes)};
  std::string start = encodeLength(header.size()) + header;
  Status status = file.write(start.data(), start.size());
  for (const TensorToSave *tensor : tensors)
    if (status.isOk())
      status = file.write(tensor->data, *numElements(tensor->shape) *
                                            sizeBytes(tensor->elementType));
  return status;
}

Status writeSafetensors(const std::string &path,
                        const std::vector<TensorToSave> &tensors,
                        const Metadata &metadata) {
  Status status = checkText(tensors, metadata);
  if (!status.isOk())
    return status;
  // Wide elements first, as the stock library does: every tensor is aligned
  // without a gap.
  std::vector<const TensorToSave *> ordered;
  for (int64_t elementBytes : {8, 4, 2, 1})
    for (const TensorToSave &tensor : tensors)
      if (sizeBytes(tensor.elementType) == elementBytes)
        ordered.push_back(&tensor);
  return guardMemory([&]() -> Status {
    StatusOr<AtomicFile> file = AtomicFile::create(path);
    if (!file.isOk())
      return file.status();
    Status written = writeContents(*file, path, ordered, metadata);
    return written.isOk() ? file->commit() : written;
  });
}

// Makes offsets those of the file, after it has checked that the tensors fill
// it without gap or overlap.
static Status placeTensors(std::vector<SavedTensor> &tensors, int64_t dataBegin,
                           int64_t fileBytes) {
  std::vector<SavedTensor *> byOffset;
  for (SavedTensor &tensor : tensors)
    byOffset.push_back(&tensor);
  std::sort(byOffset.begin(), byOffset.end(), [](auto *a, auto *b) {
    return std::pair(a->offsetBytes, a->sizeBytes) <
           std::pair(b->offsetBytes, b->sizeBytes);
  });
  int64_t dataBytes = fileBytes - dataBegin;
  int64_t expected = 0;
  for (SavedTensor *tensor : byOffset) {
    if (tensor->offsetBytes != expected)
      return {Code::InvalidFile,
              concat("tensor ", quote(tensor->name), " begins at byte ",
                     tensor->offsetBytes, " of the data, expected ", expected)};
    if (tensor->sizeBytes > dataBytes - expected)
      return {Code::InvalidFile,
              concat("tensor ", quote(tensor->name), " ends at byte ", expected,
                     " + ", tensor->sizeBytes,
                     " of the data, of which there are ", dataBytes)};
    expected += tensor->sizeBytes;
    tensor->offsetBytes += dataBegin;
  }
  if (expected != dataBytes)
    return {Code::InvalidFile,
            concat("the tensors take ", expected,
                   " bytes of the data, of which there are ", dataBytes)};
  return {};
}

static Status readHeader(const OpenFile &file, const std::string &path,
                         int64_t fileBytes, std::string &header) {
  unsigned char length[lengthBytes];
  if (fileBytes < lengthBytes)
    return {Code::InvalidFile,
            concat(path, ": not a safetensors file: ", fileBytes, " bytes")};
  Status status = readAt(file, path, length, lengthBytes, 0);
  if (!status.isOk())
    return status;
  uint64_t headerBytes = decodeLength(length);
  uint64_t limit = std::min(fileBytes - lengthBytes, longestHeaderBytes);
  if (headerBytes > limit)
    return {Code::InvalidFile,
            concat(path, ": not a safetensors file: a header of ", headerBytes,
                   " bytes, expected at most ", limit)};
  header.resize(headerBytes);
  return readAt(file, path, header.data(), headerBytes, lengthBytes);
}

StatusOr<SafetensorsFile> SafetensorsFile::open(const std::string &path) {
  return guardMemory([&]() -> StatusOr<SafetensorsFile> {
    int64_t fileBytes = 0;
    StatusOr<OpenFile> file = openToRead(path, fileBytes);
    if (!file.isOk())
      return file.status();
    std::string header;
    Status status = readHeader(*file, path, fileBytes, header);
    if (!status.isOk())
      return status;
    SafetensorsFile result;
    status = parseHeader(header, result.entries, result.facts);
    if (status.isOk())
      status = placeTensors(result.entries,
                            lengthBytes + static_cast<int64_t>(header.size()),
                            fileBytes);
    if (!status.isOk())
      return Status(status.code(), concat(path, ": ", status.message()));
    result.path = path;
    result.file = std::move(*file);
    return result;
  });
}

Status SafetensorsFile::read(const SavedTensor &tensor, void *to) const {
  return readAt(file, path, to, tensor.sizeBytes, tensor.offsetBytes);
}

} // namespace nnc::runtime
