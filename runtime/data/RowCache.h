// Rows of files that were read many at once, and are kept until others have
// come: a row at a time is a call of the system each.
#ifndef NNC_RUNTIME_DATA_ROWCACHE_H
#define NNC_RUNTIME_DATA_ROWCACHE_H

#include "runtime/Status.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <unordered_set>
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
  std::shared_mutex inUse;

  /// Null where it is not there.
  const uint8_t *find(const Key &key) const;

  /// Keeps a block of `sizeBytes`, which `read` reads unless it was; those that
  /// came first go where all have more than `mostBytes`. It is there once
  /// nobody holds `inUse` for a moment. What cannot be read is not kept:
  /// whoever needs its rows is told. Any thread may call it that does not hold
  /// `inUse`.
  void add(const Key &key, int64_t sizeBytes, int64_t mostBytes,
           const std::function<Status(uint8_t *)> &read);

private:
  struct Hash {
    size_t operator()(const Key &key) const {
      return std::hash<const void *>()(key.first) ^ size_t(key.second);
    }
  };
  using Bytes = std::vector<uint8_t>;

  Bytes takeFree();
  void exchange(int64_t mostBytes);

  std::unordered_map<Key, Bytes, Hash> blocks;

  /// Of what follows; never held for long.
  std::mutex mutex;
  /// Those that are there, read or waited for.
  std::unordered_set<Key, Hash> known;
  /// Those that were read, until nobody holds `inUse`.
  std::vector<std::pair<Key, Bytes>> waiting;
  /// Those that are there, in the order in which they came.
  std::deque<Key> keys;
  int64_t keptBytes = 0;
  /// Of blocks that went.
  std::vector<Bytes> free;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_ROWCACHE_H
