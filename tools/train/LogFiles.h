// What `nnc train --log DIR` writes down: an object a line, epochs in log.jsonl
// and steps in steps.jsonl.
#ifndef NNC_TOOLS_TRAIN_LOGFILES_H
#define NNC_TOOLS_TRAIN_LOGFILES_H

#include "runtime/File.h"
#include "tools/train/Observer.h"

#include <fstream>
#include <string>

namespace nnc::tools {

class LogFiles : public Observer {
public:
  /// `folder` is made if need be.
  explicit LogFiles(std::string folder) : folder(std::move(folder)) {}

  /// Keeps of the lines that are there those that the run has behind it, and
  /// none if it begins.
  runtime::Status begin(const TrainRun &run) override;
  bool wantsSteps() const override { return true; }
  void step(const StepRecord &record) override;
  void epoch(const EpochRecord &record) override;
  void test(const TestRecord &record) override;
  runtime::Status flush() override;
  runtime::Status end(const EndRecord &) override;

private:
  runtime::Status takeFolder();

  std::string folder;
  /// Held while the run writes there.
  runtime::OpenFile lock;
  std::ofstream epochs, steps;
};

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAIN_LOGFILES_H
