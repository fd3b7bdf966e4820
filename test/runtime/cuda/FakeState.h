// What the fake driver knows and has: streams and their queues, memory,
// contexts, and what a test wants to fail.
#ifndef NNC_TEST_RUNTIME_CUDA_FAKESTATE_H
#define NNC_TEST_RUNTIME_CUDA_FAKESTATE_H

#include "test/runtime/cuda/FakeCuda.h"

#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include <sys/mman.h>

namespace fakecuda {

enum : int {
  Success = 0,
  InvalidValue = 1,
  OutOfMemory = 2,
  NotInitialized = 3,
  InvalidDevice = 101,
  InvalidImage = 200,
  InvalidContext = 201,
  InvalidPtx = 218,
  InvalidHandle = 400,
  NotFound = 500,
  IllegalAddress = 700,
  LaunchFailed = 719,
  CaptureUnsupported = 900,
  CaptureInvalidated = 901,
};

struct Event {
  /// Recordings that were enqueued, and those that have been reached.
  uint64_t enqueued = 0, reached = 0;
  bool isTimed = false;
  double timeMs = 0;
};

struct Operation {
  enum Kind { Work, Record, Wait } kind;
  std::function<void()> work;
  Event *event = nullptr;
  uint64_t generation = 0;
};

struct Stream;

struct Graph {
  std::vector<Operation> operations;
  /// Of an executable one.
  std::set<Stream *> launchedOn;
};

struct Stream {
  std::deque<Operation> queue;
  /// Of the capture under way, with its mode (cuda.h's CUstreamCaptureMode) and
  /// the thread that began it.
  std::unique_ptr<Graph> captured;
  int captureMode = 0;
  std::thread::id capturedBy;
  bool isInvalidated = false;
};

struct KernelInfo {
  std::string name;
  nnc_kernel_fn function = nullptr;
  int numBuffers = 0;
  unsigned threads = 0;
};

struct Module {
  std::map<std::string, KernelInfo> kernels;
  void *sharedObject = nullptr;
};

/// Its address stands for the primary context of each device.
struct Context {
  int retained = 0;
};

struct Failure {
  int64_t nth;
  int error;
};

struct State {
  std::recursive_mutex mutex;
  std::map<std::string, nnc_kernel_fn> kernels;
  std::map<std::string, int64_t> counts;
  std::map<std::string, Failure> failures;
  std::vector<std::string> misuses;
  std::map<char *, size_t> deviceMemory, hostMemory;
  /// Of device memory, whose it is and how much was asked for.
  std::map<char *, std::pair<int, size_t>> owners;
  std::set<Stream *> streams;
  std::set<Event *> events;
  std::set<Module *> modules;
  std::set<Graph *> graphs, executables;
  Context contexts[4];
  int64_t otherObjects = 0;
  int stuck = 0;
  bool isInitialized = false, isWorking = false, isSteered = false;
  Order order = Order::Late;
  std::mt19937_64 random{0};
  double nowMs = 0;
};

State &state();

extern thread_local std::vector<Context *> contextStack;

/// A variable of the environment as a number.
int environment(const char *name, int otherwise);

/// The host reaches device memory only while this lives.
class Reach {
public:
  Reach() : isOuter(!state().isWorking) {
    if (isOuter)
      protect(PROT_READ | PROT_WRITE);
    state().isWorking = true;
  }
  ~Reach() {
    if (!isOuter)
      return;
    protect(PROT_NONE);
    state().isWorking = false;
  }

private:
  static void protect(int access) {
    for (auto &[address, size] : state().deviceMemory)
      mprotect(address, size, access);
  }
  bool isOuter;
};

/// Runs queues until `isDone`, `wanted` before the others.
void run(Stream *wanted, const std::function<bool()> &isDone);
void runAll();
/// Enqueues an operation, or captures it.
int put(Stream *stream, Operation operation);

/// Whether a capture is under way that forbids this thread what may
/// synchronize. It is then invalid.
bool isCapturing();

bool isInside(const std::map<char *, size_t> &memory, const void *address,
              size_t sizeBytes);

/// Guards every call: counts it, fails it if that is wanted, and checks that
/// there is a context if it needs one.
class Entry {
public:
  Entry(const char *name, bool needsContext = true) : lock(state().mutex) {
    countCall(name);
    if (shouldFail(name, error))
      return;
    if (!state().isInitialized && std::strcmp(name, "cuInit") != 0)
      error = NotInitialized;
    else if (needsContext && !hasContext()) {
      misuse(std::string(name) + " without a context");
      error = InvalidContext;
    } else if (needsContext && state().stuck)
      error = state().stuck;
  }

  int error = Success;

private:
  std::lock_guard<std::recursive_mutex> lock;
};

template <typename T> T *made(std::set<T *> &all, T *object) {
  all.insert(object);
  return object;
}

template <typename T>
int destroy(std::set<T *> &all, T *object, const char *what) {
  if (!all.erase(object)) {
    misuse(std::string("destroys ") + what + " that is none");
    return InvalidHandle;
  }
  delete object;
  return Success;
}

/// What steers a program that is no test.
void readEnvironment();

} // namespace fakecuda

#endif // NNC_TEST_RUNTIME_CUDA_FAKESTATE_H
