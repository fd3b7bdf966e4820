// A few training steps as a file of trace events, which Perfetto and
// chrome://tracing open.
#ifndef NNC_TOOLS_BENCH_TRACEFILE_H
#define NNC_TOOLS_BENCH_TRACEFILE_H

#include "runtime/Plan.h"
#include "runtime/Trace.h"

#include <string>
#include <vector>

namespace nnc::tools {

struct TracedSteps {
  explicit TracedSteps(int numThreads) : trace(numThreads) {}

  int64_t batch = 0;
  runtime::Trace trace;
  /// When each step began and ended; their commands are in `trace`.
  struct Step {
    int64_t begin, end;
  };
  std::vector<Step> steps;
  /// Of a step at the median, alone and while it is traced.
  double stepMs = 0, tracedMs = 0;
};

/// Writes `path`, whole or not at all. `model` is the program that the plan was
/// made of, whose lines are quoted.
runtime::Status writeTrace(const std::string &path, const std::string &model,
                           const runtime::Plan &plan,
                           const runtime::EntryPoint &entry,
                           const TracedSteps &traced);

} // namespace nnc::tools

#endif // NNC_TOOLS_BENCH_TRACEFILE_H
