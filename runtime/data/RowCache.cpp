// Keeps blocks first in, first out, and uses their memory again.
#include "runtime/data/RowCache.h"

#include <mutex>

namespace nnc::runtime {

const uint8_t *RowCache::find(const Key &key) const {
  auto found = blocks.find(key);
  return found == blocks.end() || found->second.empty() ? nullptr
                                                        : found->second.data();
}

/// Memory for a block, that of one that went where there is one.
RowCache::Bytes RowCache::makeRoom(int64_t sizeBytes, int64_t mostBytes) {
  Bytes free;
  while (!keys.empty() && keptBytes + sizeBytes > mostBytes) {
    auto oldest = blocks.find(keys.front());
    keptBytes -= int64_t(oldest->second.size());
    free = std::move(oldest->second);
    blocks.erase(oldest);
    keys.pop_front();
  }
  keptBytes += sizeBytes;
  return free;
}

void RowCache::add(const Key &key, int64_t sizeBytes, int64_t mostBytes,
                   const std::function<Status(uint8_t *)> &read) {
  Bytes block;
  {
    std::unique_lock<std::shared_mutex> lock(mutex);
    if (!blocks.try_emplace(key).second)
      return;
    block = makeRoom(sizeBytes, mostBytes);
  }
  Status status = guardMemory([&] {
    block.resize(size_t(sizeBytes));
    return read(block.data());
  });
  std::unique_lock<std::shared_mutex> lock(mutex);
  if (status.isOk()) {
    blocks[key] = std::move(block);
    keys.push_back(key);
    return;
  }
  blocks.erase(key);
  keptBytes -= sizeBytes;
}

} // namespace nnc::runtime
