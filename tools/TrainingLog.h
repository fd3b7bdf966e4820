// What `nnc train --log DIR` writes down: an object a line, epochs in log.jsonl
// and steps in steps.jsonl.
#ifndef NNC_TOOLS_TRAININGLOG_H
#define NNC_TOOLS_TRAININGLOG_H

#include "runtime/Status.h"

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace nnc::tools {

class TrainingLog {
public:
  /// Opens the log in `folder`, which is made if need be. Keeps of what is
  /// there the first `epochs` epochs and `steps` steps: those that the run has
  /// behind it, and none if it begins. IoError if that fails.
  runtime::Status open(const std::string &folder, int64_t epochs,
                       int64_t steps);

  bool isOpen() const { return epochs.is_open(); }
  void addEpoch(const std::string &line) { epochs << line << '\n'; }
  void addStep(int64_t step, double loss,
               const std::vector<std::pair<std::string, double>> &rates);

  /// Hands everything to the system, so that it outlives this process. IoError
  /// if it does not take it.
  runtime::Status flush();
  void close() { epochs.close(), steps.close(); }

private:
  std::string folder;
  std::ofstream epochs, steps;
};

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAININGLOG_H
