// Rows of files that were read many at once, and are kept until others have
// come: a row at a time is a call of the system each.
#ifndef NNC_RUNTIME_DATA_ROWCACHE_H
#define NNC_RUNTIME_DATA_ROWCACHE_H

#include "runtime/Status.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <shared_mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace nnc::runtime {

/// Blocks of several files, which have numbers.
class RowCache {
public:
  /// A file, and the number of a block of it.
  using Key = std::pair<const void *, int64_t>;

  /// Whoever holds it, shared, may use what find() gives: nothing comes or
  /// goes. One who is alone need not.
  std::shared_mutex mutex;

  /// Null where it is not kept.
  const uint8_t *find(const Key &key) const;

  /// Keeps a block of `sizeBytes`, which `read` reads unless it is kept or
  /// another thread is at it; those that came first make room where all would
  /// have more than `mostBytes`. What cannot be read is not kept: whoever needs
  /// its rows is told. Any thread that does not hold the mutex may call it.
  void add(const Key &key, int64_t sizeBytes, int64_t mostBytes,
           const std::function<Status(uint8_t *)> &read);

private:
  struct Hash {
    size_t operator()(const Key &key) const {
      return std::hash<const void *>()(key.first) ^ size_t(key.second);
    }
  };
  using Bytes = std::vector<uint8_t>;

  Bytes makeRoom(int64_t sizeBytes, int64_t mostBytes);

  /// Empty while one is read.
  std::unordered_map<Key, Bytes, Hash> blocks;
  /// Of those that were read, in the order in which they came.
  std::deque<Key> keys;
  int64_t keptBytes = 0;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_ROWCACHE_H
