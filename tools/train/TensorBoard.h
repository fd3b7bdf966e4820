// What `nnc train --tensorboard` writes into the folder of --log: scalars of
// steps and epochs, histograms, the confusion matrix, the run's settings.
#ifndef NNC_TOOLS_TRAIN_TENSORBOARD_H
#define NNC_TOOLS_TRAIN_TENSORBOARD_H

#include "tools/tensorboard/EventFile.h"
#include "tools/train/RunNotes.h"

#include <string>

namespace nnc::tools {

class TensorBoard : public Observer {
public:
  /// `notes` has begun before, and stays.
  TensorBoard(std::string folder, const RunNotes &notes)
      : folder(std::move(folder)), notes(notes) {}

  runtime::Status begin(const TrainRun &run) override;
  bool wantsSteps() const override { return true; }
  void step(const StepRecord &record) override;
  void epoch(const EpochRecord &record) override;
  void test(const TestRecord &record) override;
  runtime::Status flush() override;
  runtime::Status end(const EndRecord &) override { return flush(); }

private:
  void addAverages(const std::string &split, int64_t step,
                   const Averages &averages);
  void addWeights(int64_t step);
  runtime::Status addGradients(int64_t step);

  std::string folder;
  const RunNotes &notes;
  const TrainRun *run = nullptr;
  EventFile file;
  /// Why gradients could not be had; said by flush().
  runtime::Status failure;
};

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAIN_TENSORBOARD_H
