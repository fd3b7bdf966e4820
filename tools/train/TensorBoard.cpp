// Tags are "quantity/split", so that TensorBoard shows what belongs together in
// one group.
#include "tools/train/TensorBoard.h"

#include "tools/Output.h"
#include "tools/tensorboard/MatrixPicture.h"
#include "tools/train/Run.h"

namespace nnc::tools {

using namespace runtime;

/// The settings as a table of Markdown.
static std::string tableOf(const nlohmann::ordered_json &settings) {
  std::string text = "| setting | value |\n| --- | --- |\n";
  for (auto &[name, value] : settings.items())
    text += "| " + name + " | " +
            (value.is_string() ? value.get<std::string>() : toLine(value)) +
            " |\n";
  return text;
}

Status TensorBoard::begin(const TrainRun &given) {
  run = &given;
  if (Status status = makeFolder(folder); !status.isOk())
    return status;
  const int64_t steps = stepsOf(given);
  if (Status status = file.open(folder, steps); !status.isOk())
    return status;
  file.addText("settings/text_summary", steps, tableOf(notes.settings()));
  return file.flush();
}

void TensorBoard::step(const StepRecord &record) {
  const std::string name = record.name.empty() ? "step" : record.name;
  file.addScalar("loss/" + name, record.step, record.loss);
  for (auto &[rateName, rate] : record.rates)
    file.addScalar(rateName, record.step, rate);
}

void TensorBoard::addAverages(const std::string &split, int64_t step,
                              const Averages &averages) {
  file.addScalar("loss/" + split, step, averages.loss());
  for (auto &[name, value] : averages.metrics())
    file.addScalar(name + "/" + split, step, value);
  for (const ClassCounts &classes : averages.confusions()) {
    const PngPicture picture = drawMatrix(classes.counts);
    if (!picture.bytes.empty())
      file.addPicture(classes.name + "/" + split, step, picture.width,
                      picture.height, picture.bytes);
  }
}

void TensorBoard::addWeights(int64_t step) {
  for (const StateTensor &tensor : run->plan.state) {
    if (tensor.role != Role::Parameter)
      continue;
    std::vector<char> bytes(tensor.sizeBytes());
    if (run->session.readState(tensor.name, bytes.data(), bytes.size()).isOk())
      file.addHistogram("weights/" + tensor.name, step,
                        makeHistogram(tensor.elementType, bytes.data(),
                                      tensor.numElements()));
  }
}

/// Of the first batch of the training data as they stand in their files: the
/// same samples in every epoch.
Status TensorBoard::addGradients(int64_t step) {
  const EntryPoint *entry = run->plan.findEntryPoint("gradients");
  if (!entry)
    return {};
  std::vector<int64_t> samples(
      std::min<int64_t>(run->batch, numSamples(run->training)));
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = int64_t(i);
  Batches batches(run->training, std::move(samples), run->batch);
  StatusOr<bool> isThere = batches.next();
  if (!isThere.isOk())
    return isThere.status();
  if (Status status =
          run->session.run(*entry, batches.inputs(), batches.size());
      !status.isOk())
    return status;
  for (const TensorInfo &output : entry->outputs) {
    if (output.kind != "gradient")
      continue;
    StatusOr<const void *> data = run->session.outputData(output);
    if (!data.isOk())
      return data.status();
    file.addHistogram("gradients/" + output.name, step,
                      makeHistogram(output.elementType, *data,
                                    output.numElements(batches.size())));
  }
  return {};
}

void TensorBoard::epoch(const EpochRecord &record) {
  addAverages("training", record.step, record.training);
  if (record.validation)
    addAverages("validation", record.step, *record.validation);
  file.addScalar("seconds/epoch", record.step, record.seconds);
  addWeights(record.step);
  if (failure.isOk())
    failure = addGradients(record.step);
}

void TensorBoard::test(const TestRecord &record) {
  addAverages("test", stepsOf(*run), record.averages);
}

Status TensorBoard::flush() { return failure.isOk() ? file.flush() : failure; }

} // namespace nnc::tools
