// What `nnc train --log DIR` notes of the run itself, for `nnc report`: its
// settings in run.json, the model in summary.json, and in profile.json what the
// commands of a few of its steps took and where in memory they work.
#ifndef NNC_TOOLS_TRAIN_RUNNOTES_H
#define NNC_TOOLS_TRAIN_RUNNOTES_H

#include "tools/Json.h"
#include "tools/train/Observer.h"

#include "runtime/Session.h"

#include <string>
#include <vector>

namespace nnc::tools {

class RunNotes : public Observer {
public:
  explicit RunNotes(std::string folder) : folder(std::move(folder)) {}
  ~RunNotes() override { stopTiming(); }

  runtime::Status begin(const TrainRun &run) override;
  /// What the run was told, and the model's recipe; once it has begun.
  const nlohmann::ordered_json &settings() const { return described; }

  bool wantsSteps() const override { return isProfiling; }
  void step(const StepRecord &) override;
  runtime::Status flush() override { return failure; }
  runtime::Status end(const EndRecord &record) override;

private:
  runtime::Status write(const std::string &name,
                        const nlohmann::ordered_json &object);
  void startTiming();
  void stopTiming();
  nlohmann::ordered_json describeProfile() const;
  runtime::Status finishProfile();

  std::string folder;
  const TrainRun *run = nullptr;
  nlohmann::ordered_json described;
  /// Of each of the run's training steps.
  struct Timed {
    const runtime::EntryPoint *entry;
    runtime::Profile profile;
  };
  std::vector<Timed> timed;
  bool isProfiling = false;
  int64_t stepsSeen = 0;
  /// Of the profile, which is written between two steps.
  runtime::Status failure;
};

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAIN_RUNNOTES_H
