// What tests of sessions on the fake driver share.
#ifndef NNC_TEST_RUNTIME_CUDA_CUDATEST_H
#define NNC_TEST_RUNTIME_CUDA_CUDATEST_H

#include "test/runtime/TestPlan.h"
#include "test/runtime/cuda/FakeCuda.h"

namespace nnc::runtime::test {

inline StatusOr<std::unique_ptr<Session>> tryOpen(const PlanSource &source,
                                                  int64_t seed = 1) {
  SessionOptions options;
  options.threads = 1;
  options.seed = seed;
  return Session::create(openPlan(source), std::move(options));
}

inline std::unique_ptr<Session> openCuda(const PlanSource &source,
                                         int64_t seed = 1) {
  auto session = tryOpen(source, seed);
  EXPECT_TRUE(session.isOk()) << session.status().message();
  return session.isOk() ? std::move(*session) : nullptr;
}

/// The driver without a past; each test leaves it without misuse or objects.
struct Cuda : testing::Test {
  Cuda() {
    fakecuda::reset();
    for (const char *name : {"initialize", "predict", "mean_square", "update"})
      fakecuda::addKernel(name, testKernel(name));
  }
  ~Cuda() override {
    EXPECT_EQ(fakecuda::misuses(), std::vector<std::string>());
    EXPECT_EQ(fakecuda::liveObjects(), 0);
    unsetenv("FAKE_CUDA_CAPABILITY");
    unsetenv("FAKE_CUDA_DEVICES");
    unsetenv("NNC_CUDA_GRAPHS");
  }
};

} // namespace nnc::runtime::test

#endif // NNC_TEST_RUNTIME_CUDA_CUDATEST_H
