// What a trained model makes of samples, and by what gradients: one element of
// an output, the score, for any number of samples.
#ifndef NNC_TOOLS_EXPLAIN_SCORER_H
#define NNC_TOOLS_EXPLAIN_SCORER_H

#include "runtime/File.h"
#include "runtime/Session.h"

#include <functional>
#include <string>
#include <vector>

namespace nnc::tools {

/// The values of each input of one sample, row-major. Of integers too: a double
/// holds those of 32 bits.
using Sample = std::vector<std::vector<double>>;

/// What one run gave for one sample.
struct Scored {
  /// The whole output.
  std::vector<double> output;
  /// The score's gradient for each input; empty for an input that has none, and
  /// of "predict".
  Sample gradients;
  /// Of "explain" where it has a layer: its values and the score's gradient for
  /// them, row-major.
  std::vector<double> layer, layerGradient;
};

class Scorer {
public:
  /// `entry` is the plan's "predict" or "explain"; `output` the name of one of
  /// its outputs, empty for the first. Both are borrowed. InvalidArgument,
  /// naming what there is, if there is no such output, if it has no gradient
  /// though "explain" is to give one, or if the batch is not the first
  /// dimension of what is to be read; InvalidFile where a plan contradicts
  /// itself.
  static runtime::StatusOr<Scorer> create(runtime::Session &session,
                                          const runtime::EntryPoint &entry,
                                          const std::string &output);

  /// The model's inputs.
  const std::vector<runtime::TensorInfo> &inputs() const { return modelInputs; }
  const runtime::TensorInfo &output() const { return *chosen; }
  /// Null where the entry point has none.
  const runtime::TensorInfo *layer() const { return layerOutput; }
  /// What the layer's parameters' names begin with.
  std::string layerName() const;
  /// Of the output, for one sample.
  int64_t numElements() const { return chosen->numElements(1); }
  /// Whether a gradient for input `index` is computed.
  bool hasGradient(size_t index) const { return gradientOutputs[index]; }

  /// Fills `sample`, which has a vector of the right size for each input, with
  /// the sample of this number.
  using MakeSample = std::function<void(int64_t index, Sample &sample)>;
  using UseResult = std::function<void(int64_t index, const Scored &result)>;

  /// Runs samples 0 to `count`, in batches as large as the plan takes. The
  /// gradients are those of element `element` of the output.
  runtime::Status run(int64_t count, int64_t element, const MakeSample &make,
                      const UseResult &use);

  /// The element's value alone, of each sample.
  runtime::Status scores(int64_t count, int64_t element, const MakeSample &make,
                         std::vector<double> &values);

private:
  Scorer(runtime::Session &session, const runtime::EntryPoint &entry)
      : session(&session), entry(&entry) {}
  runtime::Status findOutputs(const std::string &name);
  runtime::Status findInputs();
  void fillUpstream(int64_t batch, int64_t element);
  void store(size_t input, int64_t place, const std::vector<double> &values);
  runtime::Status fetch(const runtime::TensorInfo &info, int64_t batch,
                        std::vector<double> &values) const;
  runtime::Status fetchAll(int64_t batch);
  void useBatch(int64_t first, int64_t batch, const UseResult &use);

  runtime::Session *session;
  const runtime::EntryPoint *entry;
  std::vector<runtime::TensorInfo> modelInputs;
  const runtime::TensorInfo *chosen = nullptr;
  /// An input of the model each; null where there is none.
  std::vector<const runtime::TensorInfo *> gradientOutputs;
  const runtime::TensorInfo *layerOutput = nullptr;
  const runtime::TensorInfo *layerGradient = nullptr;

  /// One for each of the entry point's inputs, of its largest batch.
  std::vector<runtime::AlignedBytes> buffers;
  Sample sample;
  /// Of the last run, as read from the session.
  Scored batchResult;
};

} // namespace nnc::tools

#endif // NNC_TOOLS_EXPLAIN_SCORER_H
