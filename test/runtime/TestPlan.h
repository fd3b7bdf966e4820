// A small plan that tests change at will, and the kernels that it runs: plain
// functions in place of machine code.
#ifndef NNC_TEST_RUNTIME_TESTPLAN_H
#define NNC_TEST_RUNTIME_TESTPLAN_H

#include "runtime/Plan.h"
#include "runtime/Session.h"
#include "runtime/abi.h"
#include "runtime/nnc.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nnc::runtime::test {

/// What a plan file says, before it is one.
struct PlanSource {
  uint32_t version = 1;
  std::string model = "line";
  int64_t maxBatch = 16;
  std::string target = "cpu";
  std::vector<std::string> features;
  std::vector<Kernel> kernels;
  std::vector<uint8_t> image;
  /// Of a GPU's code, with what `bytes` says in place of the borrowed image.
  struct Module {
    uint32_t unit = 0;
    std::string architecture;
    std::string bytes;
  };
  std::vector<Module> modules;
  std::vector<EntryPoint> entryPoints;
  std::vector<StateTensor> state;
  int64_t stateBytes = 0;
  std::vector<uint8_t> constants;
  Recipe recipe;
  WeightsOrder weightsOrder = WeightsOrder::Nnc;
  /// Each the text of its lines.
  struct Names {
    std::string name;
    std::vector<std::string> lines;
  };
  std::vector<Names> nameTables;
};

/// A linear model y = x w of four weights, trained by w -= learning_rate * g
/// with g the mean over the batch of the gradient of the sum of (y - label)^2.
///
/// Inputs "x" f32[batch, 4] and "label" u8[batch], below 10. State "w" f32[4],
/// "w.m" f32[4], "seed", "step", "learning_rate". Entry points "init",
/// "train_step" (outputs "loss" and "copy", a copy of the new weights) and
/// "predict" (output "y").
PlanSource linePlan();

std::vector<uint8_t> serialize(const PlanSource &source);

std::shared_ptr<const Plan> openPlan(const PlanSource &source);

/// A kernel of linePlan(), by its name.
nnc_kernel_fn testKernel(const std::string &name);

/// A device whose kernels are functions of this file, found by name.
std::unique_ptr<Device> testDevice(int numThreads);

std::unique_ptr<Session> openSession(const PlanSource &source, int numThreads,
                                     int64_t seed = 1);

// The same by the C interface, which runs no kernel of it.
/// A plan whose kernel is one `ret`.
PlanHandle openIdlePlan();
SessionHandle openIdleSession(const PlanHandle &plan);

/// A path in a folder that is removed when the test program ends.
std::string temporaryPath(const std::string &name);

void writeFile(const std::string &path, const std::string &content);

} // namespace nnc::runtime::test

#endif // NNC_TEST_RUNTIME_TESTPLAN_H
