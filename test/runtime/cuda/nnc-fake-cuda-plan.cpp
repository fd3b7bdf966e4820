// nnc-fake-cuda-plan IN OUT: a plan for the simulator as one for the fake
// driver. The kernels are the same; the driver runs them on the host.
#include "test/runtime/TestPlan.h"
#include "test/runtime/cuda/FakeCuda.h"

#include <cstdio>
#include <fstream>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

/// What a driver reads from a kernel's code: how many buffers it takes.
static int numBuffers(const Plan &plan, uint32_t kernel) {
  for (const EntryPoint &entry : plan.entryPoints)
    for (const Command &command : entry.commands)
      if (command.kind == Command::Kind::Launch && command.kernel == kernel)
        return int(command.buffers.size());
  // Of those by which the device takes samples (runtime/TakeKernels.h).
  return 4;
}

static PlanSource convert(const Plan &plan) {
  PlanSource source;
  source.model = plan.model;
  source.maxBatch = plan.maxBatch;
  source.target = "cuda";
  source.kernels = plan.code.kernels;
  source.entryPoints = plan.entryPoints;
  source.state = plan.state;
  source.stateBytes = plan.stateBytes;
  source.constants.assign(plan.constants.data,
                          plan.constants.data + plan.constants.sizeBytes);
  source.recipe = plan.recipe;
  std::vector<std::tuple<std::string, int, int>> kernels;
  for (uint32_t i = 0; i < plan.code.kernels.size(); ++i) {
    source.kernels[i].unit = 0;
    kernels.emplace_back(plan.code.kernels[i].name, numBuffers(plan, i),
                         int(plan.code.kernels[i].threads));
  }
  const Bytes &image = plan.code.image;
  source.modules = {
      {0, "sm_90",
       fakecuda::moduleImage(
           kernels, std::string(reinterpret_cast<const char *>(image.data),
                                image.sizeBytes))}};
  return source;
}

int main(int argc, char **argv) {
  if (argc != 3)
    return std::fprintf(stderr, "usage: %s IN OUT\n", argv[0]), 2;
  auto plan = Plan::open(argv[1]);
  if (!plan.isOk())
    return std::fprintf(stderr, "%s\n", plan.status().message().c_str()), 1;
  std::vector<uint8_t> bytes = serialize(convert(**plan));
  std::ofstream file(argv[2], std::ios::binary);
  file.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  return file.good() ? 0 : 1;
}
