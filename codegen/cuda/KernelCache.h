// What was compiled before, on disk: a folder of entries named by the hash of
// all that they were made from. Entries are checked when they are read, written
// beside their place and renamed, and removed, least recently used first, when
// they take too much room. Processes share a folder without locks.
#ifndef NNC_CODEGEN_CUDA_KERNELCACHE_H
#define NNC_CODEGEN_CUDA_KERNELCACHE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace nnc {

class KernelCache {
public:
  /// The folder $NNC_CACHE_DIR, else $XDG_CACHE_HOME/nnc, else ~/.cache/nnc; no
  /// cache if NNC_CACHE_DIR is set and empty, or none of them is known. At most
  /// $NNC_CACHE_MAX_BYTES, by default 1 GiB.
  KernelCache();

  /// `folder` empty: a cache that keeps nothing.
  KernelCache(std::string folder, uint64_t maxBytes);

  /// Removes the least recently used entries if new ones have brought the
  /// folder over its limit.
  ~KernelCache();

  /// SHA-256 of the parts and of where one ends and the next begins, as the
  /// name of an entry.
  static std::string keyOf(llvm::ArrayRef<llvm::StringRef> parts);

  /// The entry of that key. One that is damaged is removed and not found. Any
  /// thread may ask.
  std::optional<std::vector<uint8_t>> find(llvm::StringRef key);

  /// Keeps an entry. Where it cannot be written, a warning says so, once.
  void store(llvm::StringRef key, llvm::ArrayRef<uint8_t> contents);

private:
  std::string pathOf(llvm::StringRef key) const;
  void warn(llvm::StringRef problem);
  void removeExcess();

  std::string folder;
  uint64_t maxBytes;
  std::once_flag warned;
  std::atomic<bool> grown = false;
};

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_KERNELCACHE_H
