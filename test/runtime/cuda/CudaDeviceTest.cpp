// Sessions on a GPU, by way of a driver that is none: see FakeCuda.h.
#include "test/runtime/cuda/CudaTest.h"

#include "runtime/device/CudaCode.h"
#include "runtime/device/SharedLibrary.h"

#include <cstring>
#include <functional>
#include <thread>

using namespace nnc::runtime;
using namespace nnc::runtime::test;
using fakecuda::Order;

static constexpr int illegalAddress = 700;

static PlanSource::Module moduleFor(const std::string &architecture) {
  return {0, architecture,
          fakecuda::moduleImage({{"initialize", 4, 32},
                                 {"predict", 3, 64},
                                 {"mean_square", 3, 32},
                                 {"update", 6, 32}})};
}

/// linePlan() for a GPU: a block an index.
static PlanSource cudaPlan() {
  PlanSource plan = linePlan();
  plan.target = "cuda";
  plan.image.clear();
  for (Kernel &kernel : plan.kernels)
    kernel.threads = kernel.name == "predict" ? 64 : 32;
  plan.modules = {moduleFor("sm_90")};
  return plan;
}

namespace {
/// Samples that differ from step to step.
struct Samples {
  Samples(int64_t batch, int64_t step) : x(4 * batch), label(batch) {
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = float((i * 7 + step * 3) % 5) - 2;
    for (int64_t b = 0; b < batch; ++b)
      label[b] = uint8_t((b + step) % 10);
  }
  Status train(Session &session) const {
    const void *inputs[] = {x.data(), label.data()};
    return session.run(*session.plan().findEntryPoint("train_step"), inputs,
                       label.size());
  }
  std::vector<float> x;
  std::vector<uint8_t> label;
};
} // namespace

static std::vector<float> weights(const Session &session) {
  std::vector<float> w(4);
  EXPECT_TRUE(session.readState("w", w.data(), 16).isOk());
  return w;
}

/// Trains with batches that change and return, and has every kind of output
/// read now and then. Gives all that could be seen.
static std::vector<double> trainABit(Session &session) {
  std::vector<double> seen;
  for (int step = 0; step < 40; ++step) {
    const int64_t batch = step % 10 < 7 ? 16 : 1 + step % 5;
    EXPECT_TRUE(Samples(batch, step).train(session).isOk());
    if (step % 4 == 0)
      seen.push_back(*session.outputSum("loss"));
    if (step % 5 == 0)
      seen.push_back(static_cast<const float *>(
          *session.outputData(session.lastRun()->outputs[1]))[3]);
    if (step == 20)
      EXPECT_TRUE(session.setScalar("learning_rate", 0.005).isOk());
  }
  for (float w : weights(session))
    seen.push_back(w);
  seen.push_back(*session.scalar("step"));
  return seen;
}

TEST_F(Cuda, TrainsAsACpuDoes) {
  auto expected = trainABit(*openSession(linePlan(), 1));
  for (Order order : {Order::Late, Order::Early}) {
    fakecuda::setOrder(order);
    EXPECT_EQ(trainABit(*openCuda(cudaPlan())), expected);
  }
  for (uint64_t seed = 0; seed < 20; ++seed) {
    fakecuda::setOrder(Order::Random, seed);
    EXPECT_EQ(trainABit(*openCuda(cudaPlan())), expected) << "seed " << seed;
  }
}

TEST_F(Cuda, RepeatedRunsAreGraphs) {
  auto session = openCuda(cudaPlan());
  for (int step = 0; step < 10; ++step)
    ASSERT_TRUE(Samples(8, step).train(*session).isOk());
  auto counts = fakecuda::callCounts();
  // The first goes command by command; each place of the inputs has a graph.
  EXPECT_EQ(counts["cuGraphLaunch"], 9);
  EXPECT_EQ(counts["cuGraphInstantiateWithFlags"], 2);
  const int64_t launches = 1 + 3 * 3;
  EXPECT_EQ(counts["cuLaunchKernel"], launches);
}

TEST_F(Cuda, GraphsCanBeTurnedOff) {
  auto expected = trainABit(*openSession(linePlan(), 1));
  setenv("NNC_CUDA_GRAPHS", "0", 1);
  EXPECT_EQ(trainABit(*openCuda(cudaPlan())), expected);
  EXPECT_EQ(fakecuda::callCounts()["cuGraphLaunch"], 0);
}

TEST_F(Cuda, KeepsABoundedNumberOfGraphs) {
  PlanSource source = cudaPlan();
  source.maxBatch = 60;
  // Room for as many of "y", behind the rest.
  for (EntryPoint &entry : source.entryPoints) {
    for (Command &command : entry.commands)
      for (BufferRef &buffer : command.buffers)
        if (buffer.region == Region::Arena && buffer.offsetBytes == 0)
          buffer.offsetBytes = 192;
    for (TensorInfo &output : entry.outputs)
      if (output.name == "y")
        output.buffer.offsetBytes = 192;
    entry.arenaBytes = 192 + 256;
  }
  auto session = openCuda(source);
  for (int round = 0; round < 4; ++round)
    for (int batch = 1; batch <= 60; ++batch)
      ASSERT_TRUE(Samples(batch, batch).train(*session).isOk());
  auto counts = fakecuda::callCounts();
  EXPECT_EQ(
      counts["cuGraphInstantiateWithFlags"] - counts["cuGraphExecDestroy"], 32);
}

TEST_F(Cuda, FailedRecordingIsNoFailure) {
  auto expected = trainABit(*openSession(linePlan(), 1));
  for (const char *call : {"cuStreamBeginCapture", "cuStreamEndCapture",
                           "cuGraphInstantiateWithFlags"}) {
    fakecuda::reset();
    fakecuda::failCall(call, 1, 900);
    EXPECT_EQ(trainABit(*openCuda(cudaPlan())), expected) << call;
  }
}

// What is not waited for would be seen: a step's inputs are overwritten on the
// host as soon as its call returns, and nothing is read until the end.
TEST_F(Cuda, InputsOfTheNextStepOvertakeNothing) {
  auto cpu = openSession(linePlan(), 1);
  auto train = [](Session &session) {
    for (int step = 0; step < 12; ++step) {
      Samples samples(16, step);
      EXPECT_TRUE(samples.train(session).isOk());
      std::fill(samples.x.begin(), samples.x.end(), 1e9f);
    }
    return weights(session);
  };
  auto expected = train(*cpu);
  for (uint64_t seed = 0; seed < 50; ++seed) {
    fakecuda::setOrder(Order::Random, seed);
    ASSERT_EQ(train(*openCuda(cudaPlan())), expected) << "seed " << seed;
  }
}

TEST_F(Cuda, StepsDoNotWait) {
  auto session = openCuda(cudaPlan());
  ASSERT_TRUE(Samples(16, 0).train(*session).isOk());
  auto before = fakecuda::callCounts()["cuStreamSynchronize"];
  for (int step = 0; step < 6; ++step)
    ASSERT_TRUE(Samples(16, step).train(*session).isOk());
  EXPECT_EQ(fakecuda::callCounts()["cuStreamSynchronize"], before);
  // The loss and the small output come in one go.
  ASSERT_TRUE(session->outputSum("loss").isOk());
  auto after = fakecuda::callCounts()["cuStreamSynchronize"];
  ASSERT_TRUE(session->outputData(session->lastRun()->outputs[1]).isOk());
  EXPECT_EQ(fakecuda::callCounts()["cuStreamSynchronize"], after);
}

/// Everything that each step gave, read up to `most` steps later.
static std::vector<float> trainAndTake(Session &session, size_t most) {
  std::vector<float> seen;
  std::vector<RunOutputs> taken;
  auto read = [&] {
    const TensorInfo &copy = taken.front().entry().outputs[1];
    seen.push_back(float(*taken.front().sum("loss")));
    const auto *w = static_cast<const float *>(*taken.front().data(copy));
    seen.insert(seen.end(), w, w + 4);
    taken.erase(taken.begin());
  };
  for (int step = 0; step < 40; ++step) {
    Samples samples(step % 10 < 7 ? 16 : 1 + step % 5, step);
    EXPECT_TRUE(samples.train(session).isOk());
    taken.push_back(
        *session.takeOutputs([](const TensorInfo &) { return true; }));
    if (taken.size() > most)
      read();
  }
  while (!taken.empty())
    read();
  return seen;
}

TEST_F(Cuda, OutputsArriveBehindLaterSteps) {
  auto cpu = openSession(linePlan(), 1);
  EXPECT_EQ(cpu->mostTaken(), 0);
  const std::vector<float> expected = trainAndTake(*cpu, 0);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    auto session = openCuda(cudaPlan());
    fakecuda::setOrder(seed ? Order::Random : Order::Late, seed);
    const size_t most = size_t(session->mostTaken()) - 1;
    EXPECT_EQ(trainAndTake(*session, most), expected) << "seed " << seed;
  }
}

TEST_F(Cuda, TakenOutputsAreOneCopyAndNoWait) {
  auto session = openCuda(cudaPlan());
  auto before = fakecuda::callCounts();
  trainAndTake(*session, 15);
  auto after = fakecuda::callCounts();
  EXPECT_EQ(after["cuStreamSynchronize"], before["cuStreamSynchronize"]);
  EXPECT_EQ(after["cuMemcpyDtoHAsync"] - before["cuMemcpyDtoHAsync"], 40);
}

TEST_F(Cuda, CheckpointsMoveBetweenTargets) {
  std::string path = temporaryPath("cuda.safetensors");
  auto gpu = openCuda(cudaPlan(), 3);
  auto cpu = openSession(linePlan(), 1, 4);
  ASSERT_TRUE(Samples(16, 1).train(*gpu).isOk());
  ASSERT_TRUE(gpu->save(path, SaveKind::Checkpoint).isOk());
  ASSERT_TRUE(cpu->load(path, SaveKind::Checkpoint).isOk());
  EXPECT_EQ(weights(*cpu), weights(*gpu));
  ASSERT_TRUE(Samples(16, 2).train(*cpu).isOk());
  ASSERT_TRUE(cpu->save(path, SaveKind::Checkpoint).isOk());
  ASSERT_TRUE(gpu->load(path, SaveKind::Checkpoint).isOk());
  EXPECT_EQ(weights(*cpu), weights(*gpu));
  EXPECT_EQ(*gpu->scalar("step"), 2);
  ASSERT_TRUE(gpu->init(9).isOk());
  EXPECT_EQ(weights(*gpu), weights(*openSession(linePlan(), 1, 9)));
}

TEST_F(Cuda, ProfilesByEvents) {
  auto session = openCuda(cudaPlan());
  Profile profile;
  Trace trace(1);
  profile.trace = &trace;
  session->setProfile(*session->plan().findEntryPoint("train_step"), &profile);
  for (int step = 0; step < 3; ++step)
    ASSERT_TRUE(Samples(8, step).train(*session).isOk());
  EXPECT_EQ(profile.runs, 3);
  ASSERT_EQ(trace.commands.size(), 12u);
  for (size_t i = 0; i < trace.commands.size(); ++i) {
    EXPECT_EQ(trace.commands[i].command, int64_t(i % 4));
    EXPECT_NEAR(trace.commands[i].end - trace.commands[i].begin, 5e5, 2);
    if (i % 4)
      EXPECT_EQ(trace.commands[i].begin, trace.commands[i - 1].end);
  }
  ASSERT_EQ(profile.seconds.size(), 4u);
  // Two operations of the fake driver's, a quarter of a millisecond each.
  for (double seconds : profile.seconds)
    EXPECT_NEAR(seconds, 3 * 0.5e-3, 1e-6);
  EXPECT_EQ(fakecuda::callCounts()["cuGraphLaunch"], 0);
}

TEST_F(Cuda, SessionsOnSeveralThreads) {
  auto expected = trainABit(*openSession(linePlan(), 1));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      auto session = openCuda(cudaPlan());
      // Made here and used there: the context follows.
      std::thread([&] { EXPECT_EQ(trainABit(*session), expected); }).join();
    });
  for (std::thread &thread : threads)
    thread.join();
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

/// The calls before the end.
static std::map<std::string, int64_t> countsOfLife;

/// A life of a session; the first thing that fails.
static Status live(const PlanSource &source) {
  auto session = tryOpen(source);
  if (!session.isOk())
    return session.status();
  Profile profile;
  const EntryPoint &train = *(*session)->plan().findEntryPoint("train_step");
  Status status;
  for (int step = 0; step < 5; ++step) {
    (*session)->setProfile(train, step == 4 ? &profile : nullptr);
    status = Samples(8, step).train(**session);
    if (!status.isOk())
      return status;
  }
  if (auto loss = (*session)->outputSum("loss"); !loss.isOk())
    return loss.status();
  if (status = Samples(8, 5).train(**session); !status.isOk())
    return status;
  auto taken = (*session)->takeOutputs([](auto &) { return true; });
  if (!taken.isOk())
    return taken.status();
  if (auto loss = taken->sum("loss"); !loss.isOk())
    return loss.status();
  if (status = (*session)->setScalar("step", 5); !status.isOk())
    return status;
  std::string path = temporaryPath("live.safetensors");
  if (status = (*session)->save(path, SaveKind::Checkpoint); !status.isOk())
    return status;
  if (status = (*session)->load(path, SaveKind::Checkpoint); !status.isOk())
    return status;
  status = (*session)->init(2);
  countsOfLife = fakecuda::callCounts();
  return status;
}

/// Calls whose failure has nobody to tell: things are given back.
static bool isSilent(const std::string &name) {
  return name == "cuCtxPopCurrent" ||
         name.find("Destroy") != std::string::npos ||
         name.find("Free") != std::string::npos ||
         name.find("Unload") != std::string::npos ||
         name.find("Release") != std::string::npos;
}

/// Calls without which a run goes on command by command.
static bool isOptional(const std::string &name) {
  return name == "cuStreamBeginCapture" || name == "cuStreamEndCapture" ||
         name == "cuGraphInstantiateWithFlags";
}

TEST_F(Cuda, EveryCallMayFail) {
  ASSERT_TRUE(live(cudaPlan()).isOk());
  auto counts = countsOfLife;
  for (const auto &[name, count] : counts) {
    if (isSilent(name) || name == "cuInit" || name == "cuDriverGetVersion")
      continue;
    for (int64_t nth = 1; nth <= count; ++nth)
      for (int error : {1, illegalAddress}) {
        fakecuda::reset();
        fakecuda::failCall(name, nth, error);
        Status status = live(cudaPlan());
        std::string what = concat(name, " number ", nth, " failing with ",
                                  error, ": ", status.message());
        EXPECT_EQ(fakecuda::liveObjects(), 0) << what;
        EXPECT_EQ(fakecuda::misuses(), std::vector<std::string>()) << what;
        // With what else a run was retried is told, where the error stuck.
        if (isOptional(name)) {
          EXPECT_EQ(status.isOk(), error != illegalAddress) << what;
          continue;
        }
        // Recorded launches that fail are launched again.
        if (status.isOk()) {
          EXPECT_TRUE(name == "cuLaunchKernel" || name == "cuMemcpyDtoDAsync" ||
                      name == "cuStreamSynchronize")
              << what;
          continue;
        }
        EXPECT_EQ(status.code(), Code::DeviceError) << what;
        EXPECT_NE(status.message().find(name), std::string::npos) << what;
      }
  }
}

TEST_F(Cuda, AnErrorHalfwayIsRemembered) {
  auto session = openCuda(cudaPlan());
  ASSERT_TRUE(Samples(8, 0).train(*session).isOk());
  // A batch that has not run before: the second of its three kernels.
  fakecuda::failCall("cuLaunchKernel", 2, 1);
  Status status = Samples(4, 1).train(*session);
  EXPECT_EQ(status.code(), Code::DeviceError);
  EXPECT_EQ(status.message(), "kernel 'mean_square': cuLaunchKernel: a fake "
                              "error (CUDA_ERROR_FAKE, 1)");
  float w[4];
  status = session->readState("w", w, sizeof w);
  EXPECT_EQ(status.code(), Code::DeviceError);
  EXPECT_EQ(status.message().find("the parameters are not those of a whole "
                                  "step, because an earlier run failed: "
                                  "kernel 'mean_square'"),
            0u);
  EXPECT_FALSE(Samples(8, 0).train(*session).isOk());
  EXPECT_FALSE(session->save(temporaryPath("no"), SaveKind::Weights).isOk());
  // Starting over works.
  ASSERT_TRUE(session->init(1).isOk());
  EXPECT_EQ(weights(*session), weights(*openCuda(cudaPlan())));
  EXPECT_TRUE(Samples(8, 0).train(*session).isOk());
}

TEST_F(Cuda, AnErrorThatSticksIsTold) {
  auto session = openCuda(cudaPlan());
  ASSERT_TRUE(Samples(8, 0).train(*session).isOk());
  fakecuda::failCall("cuStreamSynchronize", 1, illegalAddress);
  auto loss = session->outputSum("loss");
  ASSERT_FALSE(loss.isOk());
  EXPECT_EQ(loss.status().message(),
            "the GPU failed (cuStreamSynchronize: an illegal memory access was "
            "encountered (CUDA_ERROR_ILLEGAL_ADDRESS, 700)), and what is in "
            "its memory is lost");
  float w[4];
  EXPECT_EQ(session->readState("w", w, sizeof w).message(),
            loss.status().message());
  EXPECT_EQ(session->init(1).message(), loss.status().message());
}

TEST_F(Cuda, NamesWhatThereIsNoMemoryFor) {
  PlanSource source = cudaPlan();
  source.entryPoints[1].arenaBytes = int64_t(1) << 40;
  Status status = tryOpen(source).status();
  EXPECT_EQ(status.code(), Code::OutOfMemory);
  EXPECT_EQ(status.message(),
            "out of memory of the GPU: the plan takes 1099511628096 bytes "
            "(parameters and state 320, working memory 1099511627776, "
            "constants 0), and 85899337728 are free; a smaller batch or a "
            "memory budget needs less");
  // Of what the driver says, too: others take memory meanwhile.
  fakecuda::failCall("cuMemAlloc", 3, 2);
  EXPECT_EQ(tryOpen(cudaPlan()).status().message(),
            "out of memory of the GPU for 320 bytes of parameters and state, "
            "and 85899337728 of 85899345920 are free: cuMemAlloc_v2: out of "
            "memory (CUDA_ERROR_OUT_OF_MEMORY, 2)");
}

//===----------------------------------------------------------------------===//
// Which GPU, which code
//===----------------------------------------------------------------------===//

static std::string chosen(std::vector<std::string> architectures, int major,
                          int minor) {
  MachineCode code;
  code.kernels.push_back({"k", 0, "rows", 32, 0});
  for (const std::string &name : architectures)
    code.modules.push_back({0, name, {}, {}});
  auto modules = selectModules(code, {"GPU", major, minor});
  return modules.isOk() ? (*modules)[0]->architecture
                        : modules.status().message();
}

TEST(CudaCode, ChoosesTheBest) {
  EXPECT_EQ(chosen({"sm_80", "sm_90", "sm_90a"}, 9, 0), "sm_90a");
  EXPECT_EQ(chosen({"sm_80", "sm_90a", "compute_80"}, 8, 6), "sm_80");
  EXPECT_EQ(chosen({"sm_80", "sm_86", "sm_89"}, 8, 7), "sm_86");
  EXPECT_EQ(chosen({"sm_80", "compute_80", "compute_90"}, 12, 1), "compute_90");
  EXPECT_EQ(chosen({"sm_80", "compute_90a", "compute_80"}, 10, 0),
            "compute_80");
  EXPECT_EQ(chosen({"sm_100f", "sm_100"}, 10, 3), "sm_100f");
  EXPECT_EQ(chosen({"sm_90", "sm_90a", "compute_90"}, 8, 0),
            "the plan has code for 'sm_90', 'sm_90a', 'compute_90', and this "
            "machine's GPU (GPU) is 'sm_80': compile it with --target "
            "cuda:sm_80");
  EXPECT_NE(chosen({"sm_", "sm_x", "gfx90a", ""}, 9, 0).find("compile it"),
            std::string::npos);
}

TEST_F(Cuda, RefusesAPlanForAnotherGpu) {
  setenv("FAKE_CUDA_CAPABILITY", "8.0", 1);
  Status status = tryOpen(cudaPlan()).status();
  EXPECT_EQ(status.code(), Code::Unsupported);
  EXPECT_NE(status.message().find("(Fake GPU 0) is 'sm_80'"),
            std::string::npos);
}

TEST_F(Cuda, TakesPtxOnALaterGpu) {
  setenv("FAKE_CUDA_CAPABILITY", "12.0", 1);
  PlanSource source = cudaPlan();
  source.modules.push_back(moduleFor("compute_90"));
  EXPECT_TRUE(Samples(8, 0).train(*openCuda(source)).isOk());
  source.modules[1].bytes = "broken";
  Status status = tryOpen(source).status();
  EXPECT_EQ(status.code(), Code::DeviceError);
  EXPECT_EQ(status.message(),
            "code for 'compute_90': cuModuleLoadDataEx: a fake error "
            "(CUDA_ERROR_INVALID_PTX, 218)\nptxas application ptx input, line "
            "1; fatal : syntax");
}

TEST_F(Cuda, ChoosesAmongGpus) {
  SessionOptions options;
  options.deviceIndex = 1;
  EXPECT_TRUE(Session::create(openPlan(cudaPlan()), std::move(options)).isOk());
  options.deviceIndex = 2;
  Status status =
      Session::create(openPlan(cudaPlan()), std::move(options)).status();
  EXPECT_EQ(status.code(), Code::Unsupported);
  EXPECT_EQ(status.message(), "device is 2, this machine has 0 to 1");
  setenv("FAKE_CUDA_DEVICES", "0", 1);
  EXPECT_EQ(tryOpen(cudaPlan()).status().message(),
            "this machine has no GPU of NVIDIA's, or shows none (see "
            "CUDA_VISIBLE_DEVICES)");
}

TEST_F(Cuda, RefusesKernelsThatAreNotThere) {
  PlanSource source = cudaPlan();
  source.modules[0].bytes = fakecuda::moduleImage({{"initialize", 4, 32}});
  Status status = tryOpen(source).status();
  EXPECT_EQ(status.message(), "kernel 'predict': cuModuleGetFunction: a fake "
                              "error (CUDA_ERROR_NOT_FOUND, 500)");
  source = cudaPlan();
  source.kernels[2].threads = 0;
  source.image.assign(64, 0);
  EXPECT_EQ(tryOpen(source).status().message(),
            "kernel 'mean_square' has no threads");
}

TEST(SharedLibrary, SaysWhatIsMissing) {
  auto library = SharedLibrary::open("the driver", {"libnone.so.1", "no.so"});
  EXPECT_EQ(library.status().code(), Code::Unsupported);
  EXPECT_EQ(library.status().message(),
            "the driver is missing: libnone.so.1: cannot open shared object "
            "file: No such file or directory; no.so: cannot open shared object "
            "file: No such file or directory");
}
