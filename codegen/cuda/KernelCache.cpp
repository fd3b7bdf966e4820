// Files of the cache. An entry is a header (a mark, the SHA-256 of the key and
// the contents) and the contents.
#include "codegen/cuda/KernelCache.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

using namespace nnc;
using llvm::ArrayRef;
using llvm::StringRef;

static constexpr uint64_t kDefaultMaxBytes = uint64_t(1) << 30;
static constexpr StringRef kMark = "nnc kernels 1\n";
static constexpr size_t kHashBytes = 32;
static constexpr size_t kHeaderBytes = kMark.size() + kHashBytes;
static constexpr StringRef kEntryEnding = ".nncc";
/// Of a file that is still being written.
static constexpr StringRef kUnfinishedMark = ".nncc.tmp";

//===----------------------------------------------------------------------===//
// Where
//===----------------------------------------------------------------------===//

static std::string folderFromEnvironment() {
  if (const char *folder = std::getenv("NNC_CACHE_DIR"))
    return folder;
  auto isSet = [](const char *value) { return value && *value; };
  if (const char *caches = std::getenv("XDG_CACHE_HOME"); isSet(caches))
    return std::string(caches) + "/nnc";
  if (const char *home = std::getenv("HOME"); isSet(home))
    return std::string(home) + "/.cache/nnc";
  return "";
}

static uint64_t maxBytesFromEnvironment() {
  const char *text = std::getenv("NNC_CACHE_MAX_BYTES");
  uint64_t bytes;
  if (!text || StringRef(text).getAsInteger(10, bytes))
    return kDefaultMaxBytes;
  return bytes;
}

KernelCache::KernelCache()
    : KernelCache(folderFromEnvironment(), maxBytesFromEnvironment()) {}

KernelCache::KernelCache(std::string folder, uint64_t maxBytes)
    : folder(std::move(folder)), maxBytes(maxBytes) {}

std::string KernelCache::pathOf(StringRef key) const {
  return (folder + "/" + key + kEntryEnding).str();
}

void KernelCache::warn(StringRef problem) {
  std::call_once(warned, [&] {
    llvm::errs() << "warning: compiled kernels are not kept: " << folder << ": "
                 << problem
                 << "; NNC_CACHE_DIR names another folder, or none if it is "
                    "empty\n";
  });
}

//===----------------------------------------------------------------------===//
// Hashes
//===----------------------------------------------------------------------===//

/// A part's length goes first: where it ends changes the hash too.
static std::array<uint8_t, kHashBytes> hashOf(ArrayRef<StringRef> parts) {
  llvm::SHA256 hash;
  for (StringRef part : parts) {
    uint8_t length[sizeof(uint64_t)];
    llvm::support::endian::write64le(length, part.size());
    hash.update(length);
    hash.update(part);
  }
  return hash.final();
}

std::string KernelCache::keyOf(ArrayRef<StringRef> parts) {
  return llvm::toHex(hashOf(parts), /*LowerCase=*/true);
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// The whole of a regular file of at most `maxBytes`; nothing where the file is
/// anything else, which a folder that others can write to may hold.
static std::optional<std::vector<uint8_t>> readRegular(int file,
                                                       uint64_t maxBytes) {
  struct stat info;
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode) ||
      uint64_t(info.st_size) > maxBytes)
    return std::nullopt;
  std::vector<uint8_t> bytes(info.st_size);
  for (size_t done = 0; done < bytes.size();) {
    ssize_t count = read(file, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return std::nullopt;
    done += count;
  }
  return bytes;
}

/// The contents of an entry, if it is whole and of that key.
static std::optional<std::vector<uint8_t>> unwrap(StringRef key,
                                                  ArrayRef<uint8_t> entry) {
  if (entry.size() < kHeaderBytes ||
      !llvm::toStringRef(entry).starts_with(kMark))
    return std::nullopt;
  ArrayRef<uint8_t> contents = entry.drop_front(kHeaderBytes);
  auto hash = hashOf({key, llvm::toStringRef(contents)});
  if (entry.slice(kMark.size(), kHashBytes) != ArrayRef<uint8_t>(hash))
    return std::nullopt;
  return contents.vec();
}

std::optional<std::vector<uint8_t>> KernelCache::find(StringRef key) {
  if (folder.empty())
    return std::nullopt;
  std::string path = pathOf(key);
  // Not blocking: a pipe of that name is no entry.
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0)
    return std::nullopt;
  llvm::scope_exit close([&] { ::close(file); });
  std::optional<std::vector<uint8_t>> contents;
  // An entry over the limit is not read, and would be the first to go.
  if (auto entry = readRegular(file, maxBytes))
    contents = unwrap(key, *entry);
  if (!contents)
    unlink(path.c_str());
  else
    // Its time says when it was last used. Where it cannot be set, entries go
    // in the order in which they were made.
    futimens(file, nullptr);
  return contents;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

static bool writeAll(int file, ArrayRef<uint8_t> bytes) {
  while (!bytes.empty()) {
    ssize_t count = write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return false;
    bytes = bytes.drop_front(count);
  }
  return true;
}

void KernelCache::store(StringRef key, ArrayRef<uint8_t> contents) {
  if (folder.empty())
    return;
  // For its owner alone: what is in it runs.
  if (std::error_code error = llvm::sys::fs::create_directories(
          folder, /*IgnoreExisting=*/true, llvm::sys::fs::owner_all))
    return warn(error.message());
  std::string unfinished =
      (folder + "/" + key + kUnfinishedMark + "XXXXXX").str();
  int file = mkostemp(unfinished.data(), O_CLOEXEC);
  if (file < 0)
    return warn(std::strerror(errno));
  auto hash = hashOf({key, llvm::toStringRef(contents)});
  bool written = writeAll(file, llvm::arrayRefFromStringRef<uint8_t>(kMark)) &&
                 writeAll(file, hash) && writeAll(file, contents);
  written = close(file) == 0 && written;
  if (!written || rename(unfinished.c_str(), pathOf(key).c_str()) != 0) {
    std::string problem = std::strerror(errno);
    unlink(unfinished.c_str());
    return warn(problem);
  }
  grown = true;
}

//===----------------------------------------------------------------------===//
// The limit
//===----------------------------------------------------------------------===//

namespace {

struct CacheFile {
  std::string path;
  uint64_t sizeBytes;
  llvm::sys::TimePoint<> lastUsed;
};

} // namespace

/// The entries in a folder. What a process that died has left unfinished an
/// hour ago is removed.
static std::vector<CacheFile> listEntries(const std::string &folder) {
  std::vector<CacheFile> entries;
  const auto tooOld = std::chrono::system_clock::now() - std::chrono::hours(1);
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(folder, error, false), end;
       it != end && !error; it.increment(error)) {
    StringRef path = it->path();
    auto status = it->status();
    if (!status || status->type() != llvm::sys::fs::file_type::regular_file)
      continue;
    if (path.ends_with(kEntryEnding))
      entries.push_back(
          {path.str(), status->getSize(), status->getLastModificationTime()});
    else if (llvm::sys::path::filename(path).contains(kUnfinishedMark) &&
             status->getLastModificationTime() < tooOld)
      llvm::sys::fs::remove(path);
  }
  return entries;
}

void KernelCache::removeExcess() {
  std::vector<CacheFile> entries = listEntries(folder);
  uint64_t sum = 0;
  for (const CacheFile &entry : entries)
    sum += entry.sizeBytes;
  llvm::sort(entries, [](const CacheFile &lhs, const CacheFile &rhs) {
    return std::tie(lhs.lastUsed, lhs.path) < std::tie(rhs.lastUsed, rhs.path);
  });
  for (const CacheFile &entry : entries) {
    if (sum <= maxBytes)
      return;
    // Another process may have removed it already; either way it is gone.
    llvm::sys::fs::remove(entry.path);
    sum -= entry.sizeBytes;
  }
}

KernelCache::~KernelCache() {
  if (grown)
    removeExcess();
}
