// A training run on standard output: a line an epoch for people, or an object
// a line for scripts.
#ifndef NNC_TOOLS_TRAIN_CONSOLELINES_H
#define NNC_TOOLS_TRAIN_CONSOLELINES_H

#include "tools/train/Observer.h"

namespace nnc::tools {

/// For people: what is trained on what, and a line for each epoch.
class ConsoleLines : public Observer {
public:
  runtime::Status begin(const TrainRun &run) override;
  void epoch(const EpochRecord &record) override;
  void test(const TestRecord &record) override;
  runtime::Status end(const EndRecord &record) override;

private:
  const TrainRun *run = nullptr;
};

/// For scripts: an object a line.
class JsonLines : public Observer {
public:
  runtime::Status begin(const TrainRun &begun) override;
  void epoch(const EpochRecord &record) override;
  void test(const TestRecord &record) override;
  runtime::Status end(const EndRecord &record) override;

private:
  const TrainRun *run = nullptr;
};

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAIN_CONSOLELINES_H
