// Memory that the threads of a simulated block share: who has touched which of
// its bytes, and what of that a GPU would punish.
#ifndef NNC_RUNTIME_DEVICE_SIMSHAREDMEMORY_H
#define NNC_RUNTIME_DEVICE_SIMSHAREDMEMORY_H

#include <cstdint>
#include <string>
#include <vector>

namespace nnc::runtime {

class SimSharedMemory {
public:
  struct Byte {
    /// Block and barrier interval of the last write and of the last read; 0:
    /// never.
    uint64_t writtenIn = 0, readIn = 0;
    uint16_t writer = 0, reader = 0;
    bool readByOthers = false;
    /// The block in which a copy to it is under way; 0: none is.
    uint64_t copiedIn = 0;
  };
  struct Array {
    const char *name;
    uintptr_t begin;
    uint64_t size;
    std::vector<Byte> bytes;
  };
  struct Access {
    uintptr_t address;
    uint64_t bytes;
    bool isWrite;
    /// Of the block.
    unsigned thread;
  };
  /// Intervals between barriers are counted on from block to block.
  struct Moment {
    uint64_t blockStart, interval;
  };

  const std::vector<Array> &arrays() const { return known; }
  void clear() { known.clear(); }
  /// Again for each thread that declares it.
  void add(const char *name, uintptr_t begin, uint64_t bytes);
  /// The array that has all of these bytes, or null.
  Array *find(uintptr_t address, uint64_t bytes);

  /// Notes an access to `array`. What is wrong with it, to go after the name of
  /// the thread: " reads shared at byte 4 with no barrier after ..". Empty if
  /// nothing is.
  std::string touch(Array &array, const Access &access, Moment now);
  /// Notes that a copy to these bytes is under way in the block that began at
  /// `block`, or, where that is 0, in none.
  void setCopied(uintptr_t address, uint64_t bytes, uint64_t block);

private:
  std::vector<Array> known;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_SIMSHAREDMEMORY_H
