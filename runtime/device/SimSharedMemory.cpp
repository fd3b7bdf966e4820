// See SimSharedMemory.h.
#include "runtime/device/SimSharedMemory.h"

#include "runtime/Status.h"

namespace nnc::runtime {

void SimSharedMemory::add(const char *name, uintptr_t begin, uint64_t bytes) {
  for (const Array &array : known)
    if (array.begin == begin)
      return;
  Array added{name, begin, bytes, {}};
  added.bytes.resize(bytes);
  known.push_back(std::move(added));
}

SimSharedMemory::Array *SimSharedMemory::find(uintptr_t address,
                                              uint64_t bytes) {
  for (Array &array : known)
    if (address >= array.begin && address + bytes <= array.begin + array.size)
      return &array;
  return nullptr;
}

static std::string explain(const SimSharedMemory::Byte &byte,
                           const SimSharedMemory::Access &access,
                           SimSharedMemory::Moment now) {
  if (byte.copiedIn == now.blockStart)
    return " while a copy to it has not been waited for";
  const bool isWritten = byte.writtenIn >= now.blockStart;
  if (!access.isWrite && !isWritten)
    return ", which nothing in the block has written";
  if (isWritten && byte.writtenIn == now.interval &&
      byte.writer != access.thread)
    return concat(" with no barrier after it was written by thread ",
                  byte.writer);
  const bool isReadByOthers =
      byte.readIn == now.interval &&
      (byte.readByOthers || byte.reader != access.thread);
  return access.isWrite && isReadByOthers
             ? concat(" with no barrier after it was read by thread ",
                      byte.reader)
             : "";
}

static void note(SimSharedMemory::Byte &byte,
                 const SimSharedMemory::Access &access,
                 SimSharedMemory::Moment now) {
  if (access.isWrite) {
    byte.writtenIn = now.interval;
    byte.writer = access.thread;
    return;
  }
  byte.readByOthers = byte.readIn == now.interval &&
                      (byte.readByOthers || byte.reader != access.thread);
  byte.readIn = now.interval;
  byte.reader = access.thread;
}

std::string SimSharedMemory::touch(Array &array, const Access &access,
                                   Moment now) {
  for (uint64_t i = access.address - array.begin, end = i + access.bytes;
       i < end; ++i) {
    std::string problem = explain(array.bytes[i], access, now);
    if (!problem.empty())
      return concat(access.isWrite ? " writes " : " reads ", array.name,
                    " at byte ", i, problem);
    note(array.bytes[i], access, now);
  }
  return "";
}

void SimSharedMemory::setCopied(uintptr_t address, uint64_t bytes,
                                uint64_t block) {
  if (Array *array = find(address, bytes))
    for (uint64_t i = 0; i < bytes; ++i)
      array->bytes[address - array->begin + i].copiedIn = block;
}

} // namespace nnc::runtime
