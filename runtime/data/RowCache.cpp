// Keeps blocks first in, first out, and uses their memory again. No thread
// waits for one that reads a file or uses what is there.
#include "runtime/data/RowCache.h"

namespace nnc::runtime {

const uint8_t *RowCache::find(const Key &key) const {
  auto found = blocks.find(key);
  return found == blocks.end() ? nullptr : found->second.data();
}

RowCache::Bytes RowCache::takeFree() {
  if (free.empty())
    return {};
  Bytes bytes = std::move(free.back());
  free.pop_back();
  return bytes;
}

/// What waits comes, and what came first goes, with both held.
void RowCache::exchange(int64_t mostBytes) {
  for (auto &[key, bytes] : waiting) {
    keptBytes += int64_t(bytes.size());
    keys.push_back(key);
    blocks[key] = std::move(bytes);
  }
  waiting.clear();
  while (keptBytes > mostBytes && !keys.empty()) {
    auto oldest = blocks.find(keys.front());
    keptBytes -= int64_t(oldest->second.size());
    free.push_back(std::move(oldest->second));
    known.erase(keys.front());
    blocks.erase(oldest);
    keys.pop_front();
  }
}

void RowCache::add(const Key &key, int64_t sizeBytes, int64_t mostBytes,
                   const std::function<Status(uint8_t *)> &read) {
  Bytes block;
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (!known.insert(key).second)
      return;
    block = takeFree();
  }
  Status status = guardMemory([&] {
    block.resize(size_t(sizeBytes));
    return read(block.data());
  });
  std::lock_guard<std::mutex> lock(mutex);
  if (!status.isOk()) {
    known.erase(key);
    return;
  }
  waiting.emplace_back(key, std::move(block));
  if (inUse.try_lock()) {
    exchange(mostBytes);
    inUse.unlock();
  }
}

} // namespace nnc::runtime
