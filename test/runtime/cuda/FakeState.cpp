// The state of the fake driver, and how tests steer it.
#include "test/runtime/cuda/FakeState.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

namespace fakecuda {

State &state() {
  static State *instance = new State;
  return *instance;
}

thread_local std::vector<Context *> contextStack;

int environment(const char *name, int otherwise) {
  const char *text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

static bool isReady(const Operation &operation) {
  return operation.kind != Operation::Wait ||
         operation.event->reached >= operation.generation;
}

static void runOne(Stream &stream) {
  Operation operation = std::move(stream.queue.front());
  stream.queue.pop_front();
  state().nowMs += 0.25;
  if (operation.kind == Operation::Work)
    operation.work();
  if (operation.kind == Operation::Record) {
    operation.event->reached = operation.generation;
    operation.event->timeMs = state().nowMs;
  }
}

static Stream *choose(Stream *wanted) {
  std::vector<Stream *> ready;
  for (Stream *stream : state().streams)
    if (!stream->queue.empty() && isReady(stream->queue.front()))
      ready.push_back(stream);
  if (ready.empty())
    return nullptr;
  if (state().order == Order::Random)
    return ready[state().random() % ready.size()];
  bool isWanted = std::count(ready.begin(), ready.end(), wanted);
  return isWanted ? wanted : ready.front();
}

void run(Stream *wanted, const std::function<bool()> &isDone) {
  Reach reach;
  while (!isDone()) {
    Stream *next = choose(wanted);
    if (!next)
      return misuse("a stream waits for what will never come");
    runOne(*next);
  }
}

void runAll() {
  run(nullptr, [] {
    for (Stream *stream : state().streams)
      if (!stream->queue.empty())
        return false;
    return true;
  });
}

int put(Stream *stream, Operation operation) {
  if (!state().streams.count(stream)) {
    misuse("a stream that is none");
    return InvalidHandle;
  }
  if (stream->captured) {
    stream->captured->operations.push_back(std::move(operation));
    return Success;
  }
  stream->queue.push_back(std::move(operation));
  if (state().order == Order::Early)
    runAll();
  return Success;
}

bool isCapturing() {
  enum { Global = 0, ThreadLocal = 1 };
  auto forbids = [](const Stream &stream) {
    return stream.captureMode == Global ||
           (stream.captureMode == ThreadLocal &&
            stream.capturedBy == std::this_thread::get_id());
  };
  for (Stream *stream : state().streams)
    if (stream->captured && forbids(*stream))
      return stream->isInvalidated = true;
  return false;
}

bool isInside(const std::map<char *, size_t> &memory, const void *address,
              size_t sizeBytes) {
  auto *begin = static_cast<char *>(const_cast<void *>(address));
  auto next = memory.upper_bound(begin);
  if (next == memory.begin())
    return false;
  auto &[base, size] = *std::prev(next);
  return begin + sizeBytes <= base + size;
}

static void reportAtExit() {
  for (const std::string &what : misuses())
    std::fprintf(stderr, "fake driver: misuse: %s\n", what.c_str());
  if (liveObjects())
    std::fprintf(stderr, "fake driver: %lld objects not given back\n",
                 (long long)liveObjects());
  if (!misuses().empty() || liveObjects())
    _exit(70);
}

/// "cuGraphLaunch 12", a line a function.
static void writeCounts() {
  std::FILE *file = std::fopen(std::getenv("FAKE_CUDA_COUNTS"), "w");
  if (!file)
    return;
  for (const auto &[name, count] : state().counts)
    std::fprintf(file, "%s %lld\n", name.c_str(), (long long)count);
  std::fclose(file);
}

void readEnvironment() {
  const char *failure = std::getenv("FAKE_CUDA_FAIL");
  char name[64];
  long long nth = 0;
  int error = 0;
  if (failure &&
      std::sscanf(failure, "%63[^:]:%lld:%d", name, &nth, &error) == 3)
    failCall(name, nth, error);
  if (std::getenv("FAKE_CUDA_COUNTS"))
    std::atexit(writeCounts);
  if (std::getenv("FAKE_CUDA_STRICT"))
    std::atexit(reportAtExit);
}

void setOrder(Order order, uint64_t seed) {
  std::lock_guard<std::recursive_mutex> lock(state().mutex);
  state().order = order;
  state().random.seed(seed);
}

void addKernel(const std::string &name, nnc_kernel_fn kernel) {
  state().kernels[name] = kernel;
}

std::string
moduleImage(const std::vector<std::tuple<std::string, int, int>> &kernels,
            const std::string &sharedObject) {
  std::string image;
  for (auto &[name, numBuffers, threads] : kernels)
    image += "kernel " + name + " " + std::to_string(numBuffers) + " " +
             std::to_string(threads) + "\n";
  if (!sharedObject.empty())
    image += "elf " + std::to_string(sharedObject.size()) + "\n" + sharedObject;
  return image;
}

void failCall(const std::string &name, int64_t nth, int error) {
  std::lock_guard<std::recursive_mutex> lock(state().mutex);
  state().failures[name] = {state().counts[name] + nth, error};
}

std::map<std::string, int64_t> callCounts() { return state().counts; }

int64_t liveObjects() {
  State &s = state();
  int64_t count = s.otherObjects + s.deviceMemory.size() + s.hostMemory.size() +
                  s.streams.size() + s.events.size() + s.modules.size() +
                  s.graphs.size() + s.executables.size();
  for (const Context &context : s.contexts)
    count += context.retained;
  return count;
}

std::vector<std::string> misuses() { return state().misuses; }

void reset() {
  State &s = state();
  s.counts.clear();
  s.failures.clear();
  s.misuses.clear();
  s.stuck = 0;
  setOrder(Order::Late);
}

int enqueue(void *stream, std::function<void()> work) {
  return put(static_cast<Stream *>(stream), {Operation::Work, std::move(work)});
}

bool shouldFail(const char *name, int &error) {
  auto found = state().failures.find(name);
  if (found == state().failures.end() ||
      found->second.nth != state().counts[name])
    return false;
  error = found->second.error;
  if (error >= IllegalAddress && error <= LaunchFailed)
    state().stuck = error;
  return true;
}

void countCall(const char *name) { ++state().counts[name]; }

void misuse(const std::string &what) { state().misuses.push_back(what); }

bool isDeviceMemory(const void *address, int64_t sizeBytes) {
  return isInside(state().deviceMemory, address, sizeBytes);
}

void countObjects(int64_t change) { state().otherObjects += change; }

bool hasContext() { return !contextStack.empty(); }

} // namespace fakecuda
