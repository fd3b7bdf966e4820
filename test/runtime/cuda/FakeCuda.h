// A driver of GPUs that is none: libcuda.so.1 and libcublasLt.so.13 for tests,
// found as the real ones are. Memory is the host's, out of its reach but while
// the device works; kernels are functions of the test; streams are queues that
// run as late as they may, or in an order drawn from a seed, so that what is
// not waited for goes wrong; and what a driver would punish is noted.
//
// A program that is not a test is steered by its environment:
//   FAKE_CUDA_CAPABILITY=8.0   FAKE_CUDA_DEVICES=0   FAKE_CUDA_VERSION=12040
//   FAKE_CUDA_MEMORY_KIB=350
//   FAKE_CUDA_FAIL=cuLaunchKernel:3:719   the third such call fails so
//   FAKE_CUDA_COUNTS=FILE   receives how often each function was called
// Misuse ends such a program with a message.
#ifndef NNC_TEST_RUNTIME_CUDA_FAKECUDA_H
#define NNC_TEST_RUNTIME_CUDA_FAKECUDA_H

#include "runtime/abi.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace fakecuda {

/// When the streams' queues run.
enum class Order {
  /// Only what is waited for, when it is waited for.
  Late,
  /// Everything at once.
  Early,
  /// Any of the queues that can go on, by the seed.
  Random
};

void setOrder(Order order, uint64_t seed = 0);

/// A kernel of every module that names it.
void addKernel(const std::string &name, nnc_kernel_fn kernel);

/// What a module is made of: "kernel NAME BUFFERS THREADS" a line, perhaps
/// followed by "elf BYTES" and a shared object that exports them. An image that
/// begins with "broken" does not load, and the driver's log says why.
std::string
moduleImage(const std::vector<std::tuple<std::string, int, int>> &kernels,
            const std::string &sharedObject = "");

/// From now on the call number `nth` of that name fails once with `error`,
/// counted from 1. Errors from 700 to 719 stick, as with a driver.
void failCall(const std::string &name, int64_t nth, int error);

/// Calls since reset(), by name.
std::map<std::string, int64_t> callCounts();

/// What was made and not given back.
int64_t liveObjects();

/// What should not have been done, in words.
std::vector<std::string> misuses();

/// Sets back order, counts, failures, misuses, and an error that stuck.
void reset();

/// For the library of products.
int enqueue(void *stream, std::function<void()> work);
void countCall(const char *name);
bool shouldFail(const char *name, int &error);
void misuse(const std::string &what);
bool isDeviceMemory(const void *address, int64_t sizeBytes);
void countObjects(int64_t change);
bool hasContext();

} // namespace fakecuda

#endif // NNC_TEST_RUNTIME_CUDA_FAKECUDA_H
