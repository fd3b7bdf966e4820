// Blocks one after another, their threads as fibers; accesses are watched
// through what the thread sanitizer inserts.
#include "runtime/device/Simulator.h"

#include "runtime/Random.h"
#include "runtime/Status.h"
#include "runtime/device/Fiber.h"
#include "runtime/device/SimSharedMemory.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <unordered_map>
#include <vector>

#include <sys/mman.h>

namespace nnc::runtime {

void SimFaults::report(const std::string &message) {
  std::lock_guard<std::mutex> lock(mutex);
  if (first.empty())
    first = message;
  found = true;
}

std::string SimFaults::take() {
  std::lock_guard<std::mutex> lock(mutex);
  found = false;
  return std::exchange(first, std::string());
}

//===----------------------------------------------------------------------===//
// A worker: one block at a time
//===----------------------------------------------------------------------===//

namespace {

constexpr unsigned warpThreads = 32;
constexpr unsigned maxBlockThreads = 1024;
/// Generated kernels keep little on the stack, and call libm. Pages that are
/// not touched cost nothing.
constexpr int64_t stackBytes = 64 << 10;

enum class State { Ready, AtBarrier, AtExchange, Done };

struct Fiber {
  FiberContext context;
  sim::Thread thread;
  State state = State::Ready;
  /// Where it waits or what it does.
  int line = 0;
  /// What it gave to its warp, alternately, so that one that is a step ahead
  /// does not overwrite what others have yet to read.
  alignas(8) char given[2][sim::maxGivenBytes] = {};
  unsigned numExchanges = 0;

  /// A copy to shared memory, which happens when it is waited for: until then
  /// its bytes are nobody's.
  struct Copy {
    char *to;
    const char *from;
    unsigned bytes;
    int line;
  };
  /// The first `groupEnds.back()` copies are in groups, the others in none yet.
  std::vector<Copy> copies;
  std::vector<size_t> groupEnds;
};

class Worker {
public:
  ~Worker();

  void prepare(SimFaults &faults, uint64_t seed);
  void launch(const sim::Kernel &kernel, sim::Thread *&current,
              void *const *buffers, long long batch, long long begin,
              long long end);
  void barrier(int line);
  uint64_t exchange(uint64_t bits, unsigned from, int line);
  void gather(const void *given, unsigned bytes, void *all, int line);
  void atLine(int line) { self->line = line; }
  void share(const char *name, const void *array, uint64_t bytes);
  void access(const void *address, uint64_t bytes, bool isWrite);
  void beginCopy(void *shared, const void *global, unsigned bytes, int line);
  void endGroup() { self->groupEnds.push_back(self->copies.size()); }
  void waitForGroups(unsigned pending);

private:
  static void fiberMain();
  void runFiber(Fiber &fiber);
  unsigned giveToWarp(const void *given, unsigned bytes, int line);
  const Fiber *warpOfSelf() const;
  void pause();
  [[noreturn]] void fail(const std::string &message);

  void runBlock(unsigned block);
  void runIndependently(unsigned begin, unsigned end);
  void startBlock(unsigned block);
  bool releaseWarps();
  bool releaseBarrier();
  std::string describeWaiting();
  std::string describeLine(int line);
  void report(const std::string &message, int line);

  std::string describeNearest(uintptr_t address) const;
  void checkWritten(const sim::Buffer &buffer, uintptr_t begin,
                    uintptr_t address, uint64_t bytes);
  std::string describeThread() const;

  SimFaults *faults = nullptr;
  uint64_t seed = 0;
  char *stacks = nullptr;
  std::vector<Fiber> fibers;
  std::vector<unsigned> order;
  FiberContext scheduler;

  // Of the launch.
  const sim::Kernel *kernel = nullptr;
  sim::Thread **current = nullptr;
  void *const *buffers = nullptr;
  long long batch = 0;
  unsigned firstBlock = 0, endBlock = 0;
  bool hasFailed = false;

  // Of the block.
  Fiber *self = nullptr;
  SimSharedMemory shared;
  /// Counts barriers, and goes on from block to block.
  uint64_t interval = 0;
  uint64_t blockStart = 0;
};

thread_local Worker worker;

} // namespace

Worker::~Worker() {
  if (stacks)
    munmap(stacks, stackBytes * maxBlockThreads);
}

void Worker::prepare(SimFaults &faults, uint64_t seed) {
  this->faults = &faults;
  this->seed = seed;
  if (stacks)
    return;
  void *pages =
      mmap(nullptr, stackBytes * maxBlockThreads, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED)
    return faults.report("no memory for the stacks of simulated threads");
  stacks = static_cast<char *>(pages);
  fibers.resize(maxBlockThreads);
}

static long long evaluate(const sim::Size &size, long long batch) {
  return (size.constant + size.perBatch * batch + size.divisor - 1) /
         size.divisor;
}

static long long sizeOf(const sim::Buffer &buffer, long long batch) {
  return evaluate(buffer.elements, batch) * buffer.elementBytes;
}

void Worker::launch(const sim::Kernel &kernel, sim::Thread *&current,
                    void *const *buffers, long long batch, long long begin,
                    long long end) {
  if (faults->any())
    return;
  this->kernel = &kernel;
  this->current = &current;
  this->buffers = buffers;
  this->batch = batch;
  hasFailed = false;
  shared.clear();
  if (!kernel.synchronizes)
    return runIndependently(begin, end);
  for (long long block = begin; block < end && !hasFailed; ++block)
    runBlock(block);
}

//===----------------------------------------------------------------------===//
// Memory without a value
//===----------------------------------------------------------------------===//

/// Of 16 bits each: NaN in f16 and bf16, and repeated, in f32 and f64. No
/// arithmetic gives this one: a NaN that it makes has no such low bits.
constexpr uint16_t poison = 0x7ff4;

static bool isPoison(const char *element, int64_t sizeBytes) {
  for (int64_t i = 0; i + int64_t(sizeof poison) <= sizeBytes;
       i += sizeof poison)
    if (std::memcmp(element + i, &poison, sizeof poison))
      return false;
  return sizeBytes >= int64_t(sizeof poison);
}

static void fillWithPoison(char *memory, int64_t sizeBytes) {
  for (int64_t i = 0; i < sizeBytes; i += sizeof poison)
    std::memcpy(memory + i, &poison,
                std::min<int64_t>(sizeof poison, sizeBytes - i));
}

/// A result may lie on an operand that the kernel reads.
static bool liesOnOperand(const sim::Kernel &kernel, void *const *buffers,
                          long long batch, int number) {
  auto beginOf = [&](int i) { return static_cast<const char *>(buffers[i]); };
  auto endOf = [&](int i) {
    return beginOf(i) + sizeOf(kernel.buffers[i], batch);
  };
  for (int i = 0; i < kernel.numBuffers; ++i)
    if (!kernel.buffers[i].isFresh && kernel.buffers[i].elements.divisor &&
        beginOf(i) < endOf(number) && beginOf(number) < endOf(i))
      return true;
  return false;
}

void poisonFresh(const sim::Kernel &kernel, void *const *buffers,
                 long long batch) {
  for (int i = 0; i < kernel.numBuffers; ++i) {
    const sim::Buffer &buffer = kernel.buffers[i];
    if (buffer.isFresh && buffer.elements.divisor &&
        !liesOnOperand(kernel, buffers, batch, i))
      fillWithPoison(static_cast<char *>(buffers[i]), sizeOf(buffer, batch));
  }
}

//===----------------------------------------------------------------------===//
// Fibers
//===----------------------------------------------------------------------===//

/// Runs threads of a kernel in which they do not wait for each other one after
/// another; of another, one.
void Worker::fiberMain() {
  Worker &w = worker;
  if (w.kernel->synchronizes) {
    w.kernel->run(w.buffers, w.batch);
  } else {
    sim::Thread &thread = w.self->thread;
    for (unsigned block = w.firstBlock; block < w.endBlock; ++block) {
      thread.blockIdx.x = block;
      w.blockStart = ++w.interval;
      for (unsigned i = 0; i < w.kernel->threads; ++i) {
        thread.threadIdx.x = i;
        w.kernel->run(w.buffers, w.batch);
      }
    }
  }
  w.self->state = State::Done;
  w.pause();
}

void Worker::runFiber(Fiber &fiber) {
  self = &fiber;
  *current = &fiber.thread;
  switchFiber(scheduler, fiber.context);
}

void Worker::pause() { switchFiber(self->context, scheduler); }

/// Leaves the kernel for good.
void Worker::fail(const std::string &message) {
  report(message, self->line);
  self->state = State::Done;
  while (true)
    pause();
}

void Worker::runIndependently(unsigned begin, unsigned end) {
  firstBlock = begin;
  endBlock = end;
  Fiber &fiber = fibers[0];
  fiber.thread.blockDim.x = kernel->threads;
  fiber.thread.gridDim.x =
      kernel->blocks.divisor ? evaluate(kernel->blocks, batch) : end;
  fiber.line = 0;
  prepareFiber(fiber.context, stacks, stackBytes, fiberMain);
  runFiber(fiber);
}

void Worker::startBlock(unsigned block) {
  blockStart = ++interval;
  unsigned grid = kernel->blocks.divisor
                      ? unsigned(evaluate(kernel->blocks, batch))
                      : block + 1;
  for (unsigned i = 0; i < kernel->threads; ++i) {
    Fiber &fiber = fibers[i];
    fiber.thread = {{i}, {block}, {kernel->threads}, {grid}};
    fiber.state = State::Ready;
    fiber.line = 0;
    fiber.numExchanges = 0;
    fiber.copies.clear();
    fiber.groupEnds.clear();
    prepareFiber(fiber.context, stacks + i * stackBytes, stackBytes, fiberMain);
  }
}

/// The order in which threads run between one barrier and the next.
static void shuffle(std::vector<unsigned> &order, unsigned size, uint64_t seed,
                    uint64_t interval) {
  order.resize(size);
  std::iota(order.begin(), order.end(), 0u);
  if (seed == 0)
    return;
  for (unsigned i = size - 1; i > 0; --i)
    std::swap(order[i], order[randomWord(seed, interval, 0, i) % (i + 1)]);
}

void Worker::runBlock(unsigned block) {
  startBlock(block);
  while (!hasFailed) {
    shuffle(order, kernel->threads, seed, interval);
    bool isDone = true;
    for (unsigned i : order) {
      if (fibers[i].state == State::Ready)
        runFiber(fibers[i]);
      if (hasFailed)
        return;
      isDone &= fibers[i].state == State::Done;
    }
    if (isDone)
      return;
    if (!releaseWarps() && !releaseBarrier() && !hasFailed)
      report(describeWaiting(), 0);
  }
}

/// Lets the warps go on of which all threads have given something.
bool Worker::releaseWarps() {
  bool any = false;
  for (unsigned warp = 0; warp < kernel->threads; warp += warpThreads) {
    Fiber *first = &fibers[warp];
    bool isComplete = std::all_of(first, first + warpThreads, [&](Fiber &f) {
      return f.state == State::AtExchange && f.line == first->line;
    });
    if (!isComplete)
      continue;
    any = true;
    for (unsigned lane = 0; lane < warpThreads; ++lane)
      first[lane].state = State::Ready;
  }
  return any;
}

/// Lets the block go on if all of its threads wait at the same barrier.
bool Worker::releaseBarrier() {
  auto begin = fibers.begin(), end = begin + kernel->threads;
  if (!std::all_of(begin, end, [&](const Fiber &fiber) {
        return fiber.state == State::AtBarrier && fiber.line == begin->line;
      }))
    return false;
  std::for_each(begin, end, [](Fiber &f) { f.state = State::Ready; });
  ++interval;
  return true;
}

void Worker::barrier(int line) {
  self->state = State::AtBarrier;
  self->line = line;
  pause();
}

/// Returns when all have given; the number of what they gave last.
unsigned Worker::giveToWarp(const void *given, unsigned bytes, int line) {
  unsigned slot = self->numExchanges++ % 2;
  std::memcpy(self->given[slot], given, bytes);
  self->state = State::AtExchange;
  self->line = line;
  pause();
  return slot;
}

/// The fiber of its first thread.
const Fiber *Worker::warpOfSelf() const {
  return &fibers[self->thread.threadIdx.x / warpThreads * warpThreads];
}

uint64_t Worker::exchange(uint64_t bits, unsigned from, int line) {
  unsigned slot = giveToWarp(&bits, sizeof bits, line);
  std::memcpy(&bits, warpOfSelf()[from].given[slot], sizeof bits);
  return bits;
}

void Worker::gather(const void *given, unsigned bytes, void *all, int line) {
  unsigned slot = giveToWarp(given, bytes, line);
  for (unsigned lane = 0; lane < warpThreads; ++lane)
    std::memcpy(static_cast<char *>(all) + lane * bytes,
                warpOfSelf()[lane].given[slot], bytes);
}

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

std::string Worker::describeLine(int line) {
  if (line <= 0 || line > kernel->numLines)
    return "";
  std::string text = kernel->lines[line - 1];
  text.erase(0, text.find_first_not_of(' '));
  std::string result = concat("line ", line, ", ", quote(text));
  // The nearest comment above says where in the model it is.
  for (int above = line - 1; above > 0; --above) {
    std::string comment = kernel->lines[above - 1];
    size_t start = comment.find("// ");
    if (start != std::string::npos)
      return concat(result, " (", comment.substr(start + 3), ")");
  }
  return result;
}

void Worker::report(const std::string &message, int line) {
  hasFailed = true;
  std::string where = describeLine(line);
  faults->report(concat("kernel ", quote(kernel->name), ": ", message,
                        where.empty() ? "" : concat("; ", where)));
}

std::string Worker::describeThread() const {
  return concat("thread ", self->thread.threadIdx.x, " of block ",
                self->thread.blockIdx.x);
}

/// Why no thread can go on: some wait for others that never come.
std::string Worker::describeWaiting() {
  auto describe = [&](unsigned thread) {
    const Fiber &fiber = fibers[thread];
    std::string who = concat("thread ", thread);
    if (fiber.state == State::Done)
      return concat(who, " has ended");
    return concat(who, " waits at ", describeLine(fiber.line));
  };
  unsigned other = 1;
  while (other + 1 < kernel->threads &&
         fibers[other].state == fibers[0].state &&
         fibers[other].line == fibers[0].line)
    ++other;
  return concat("not all threads of block ", fibers[0].thread.blockIdx.x,
                " come to the same barrier or shuffle: ", describe(0), ", ",
                describe(other));
}

//===----------------------------------------------------------------------===//
// Checks of accesses
//===----------------------------------------------------------------------===//

void Worker::share(const char *name, const void *array, uint64_t bytes) {
  shared.add(name, reinterpret_cast<uintptr_t>(array), bytes);
}

/// The buffer or array that an address out of bounds was likely meant for: the
/// one that begins nearest before it, or after it if none does.
std::string Worker::describeNearest(uintptr_t address) const {
  std::string description;
  uint64_t smallest = UINT64_MAX;
  auto consider = [&](const char *name, uintptr_t begin, int64_t elementBytes) {
    bool isBefore = address < begin;
    uint64_t distance = isBefore ? begin - address : address - begin;
    // After every distance from a beginning that is before the address.
    uint64_t rank = isBefore ? distance | uint64_t(1) << 63 : distance;
    if (rank >= smallest)
      return;
    smallest = rank;
    description = isBefore
                      ? concat(": ", distance, " bytes before ", name)
                      : concat(": ", name, "[", distance / elementBytes, "]");
  };
  for (int i = 0; i < kernel->numBuffers; ++i) {
    const sim::Buffer &buffer = kernel->buffers[i];
    consider(buffer.name, reinterpret_cast<uintptr_t>(buffers[i]),
             buffer.elementBytes);
  }
  for (const SimSharedMemory::Array &array : shared.arrays())
    consider(array.name, array.begin, 1);
  return description;
}

void Worker::access(const void *address, uint64_t bytes, bool isWrite) {
  auto at = reinterpret_cast<uintptr_t>(address);
  for (int i = 0; i < kernel->numBuffers; ++i) {
    const sim::Buffer &buffer = kernel->buffers[i];
    auto begin = reinterpret_cast<uintptr_t>(buffers[i]);
    if (buffer.elements.divisor == 0 && at >= begin)
      return; // of unknown size
    uint64_t size = sizeOf(buffer, batch);
    if (at >= begin && at + bytes <= begin + size)
      return isWrite ? void() : checkWritten(buffer, begin, at, bytes);
  }
  if (SimSharedMemory::Array *array = shared.find(at, bytes)) {
    const SimSharedMemory::Access access{at, bytes, isWrite,
                                         self->thread.threadIdx.x};
    std::string problem = shared.touch(*array, access, {blockStart, interval});
    if (!problem.empty())
      fail(concat(describeThread(), problem));
    return;
  }
  // Its own stack.
  char *stack = stacks + (self - fibers.data()) * stackBytes;
  if (at >= reinterpret_cast<uintptr_t>(stack) &&
      at + bytes <= reinterpret_cast<uintptr_t>(stack + stackBytes))
    return;
  fail(concat(describeThread(), isWrite ? " writes " : " reads ", bytes,
              " bytes out of bounds", describeNearest(at)));
}

void Worker::checkWritten(const sim::Buffer &buffer, uintptr_t begin,
                          uintptr_t address, uint64_t bytes) {
  if (!buffer.isFloat)
    return; // where the pattern is a value like any other
  for (uint64_t at = address - begin, end = at + bytes;
       at + buffer.elementBytes <= end; at += buffer.elementBytes)
    if (isPoison(reinterpret_cast<const char *>(begin) + at,
                 buffer.elementBytes))
      fail(concat(describeThread(), " reads ", buffer.name, "[",
                  at / buffer.elementBytes, "], which nothing has written"));
}

//===----------------------------------------------------------------------===//
// Copies under way
//===----------------------------------------------------------------------===//

/// In a checked kernel shared arrays are known. Others may have to read what
/// was there before: that a write now is in order is asked now.
void Worker::beginCopy(void *to, const void *from, unsigned bytes, int line) {
  if (!shared.arrays().empty()) {
    self->line = line;
    if (from)
      access(from, bytes, false);
    access(to, bytes, true);
    shared.setCopied(reinterpret_cast<uintptr_t>(to), bytes, blockStart);
  }
  self->copies.push_back(
      {static_cast<char *>(to), static_cast<const char *>(from), bytes, line});
}

/// What has been waited for is written now, by this thread: others need a
/// barrier to read it.
void Worker::waitForGroups(unsigned pending) {
  std::vector<size_t> &ends = self->groupEnds;
  if (ends.size() <= pending)
    return;
  const size_t numGroups = ends.size() - pending, numDone = ends[numGroups - 1];
  for (size_t i = 0; i < numDone; ++i) {
    const Fiber::Copy &copy = self->copies[i];
    if (!shared.arrays().empty()) {
      shared.setCopied(reinterpret_cast<uintptr_t>(copy.to), copy.bytes, 0);
      access(copy.to, copy.bytes, true);
    }
    if (copy.from)
      std::memcpy(copy.to, copy.from, copy.bytes);
    else
      std::memset(copy.to, 0, copy.bytes);
  }
  self->copies.erase(self->copies.begin(), self->copies.begin() + numDone);
  ends.erase(ends.begin(), ends.begin() + numGroups);
  for (size_t &end : ends)
    end -= numDone;
}

//===----------------------------------------------------------------------===//
// The interface
//===----------------------------------------------------------------------===//

void prepareToSimulate(SimFaults &faults, uint64_t seed) {
  worker.prepare(faults, seed);
}

const sim::Simulator &simulator() {
  static const sim::Simulator functions = {
      [](const sim::Kernel &kernel, sim::Thread *&current, void *const *buffers,
         long long batch, long long begin, long long end) {
        worker.launch(kernel, current, buffers, batch, begin, end);
      },
      [](int line) { worker.barrier(line); },
      [](unsigned long long bits, unsigned from, int line)
          -> unsigned long long { return worker.exchange(bits, from, line); },
      [](const void *given, unsigned bytes, void *all, int line) {
        worker.gather(given, bytes, all, line);
      },
      [](int line) { worker.atLine(line); },
      [](const char *name, const void *array, unsigned long long bytes) {
        worker.share(name, array, bytes);
      },
      [](const void *address, unsigned long long bytes, bool isWrite) {
        worker.access(address, bytes, isWrite);
      },
      [](void *shared, const void *global, unsigned bytes, int line) {
        worker.beginCopy(shared, global, bytes, line);
      },
      [] { worker.endGroup(); },
      [](unsigned pending) { worker.waitForGroups(pending); },
  };
  return functions;
}

} // namespace nnc::runtime
