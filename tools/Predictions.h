// What predictions leave: arrays, a table, or JSON lines.
#ifndef NNC_TOOLS_PREDICTIONS_H
#define NNC_TOOLS_PREDICTIONS_H

#include "runtime/Plan.h"
#include "runtime/Status.h"
#include "runtime/text/Tokenizer.h"
#include "tools/Output.h"

#include <cstdint>
#include <string>
#include <vector>

namespace nnc::tools {

/// Whether the entry point gives outputs of the model and nothing else.
bool isPrediction(const runtime::EntryPoint &entry);

/// The group of outputs of that name, or where it is empty the outputs that are
/// in none. InvalidArgument with those that there are.
runtime::StatusOr<const runtime::EntryPoint *>
findPrediction(const runtime::Plan &plan, const std::string &name);

/// An output of all samples, or their labels: as its shape says, with the
/// samples in place of the batch.
struct Predicted {
  runtime::TensorInfo info;
  /// What its columns and its file are called.
  std::string name;
  /// Of an output, the names of the classes that it has a number for each of;
  /// of labels, those that its numbers stand for. Null where there are none.
  const std::vector<std::string> *classes = nullptr;
  bool areLabels = false;
  /// Of an output of ids, what they are ids of; else null.
  runtime::TokenizerPointer tokenizer = nullptr;
  std::vector<uint8_t> values = {};
};

/// One for each output of the entry point, without values.
std::vector<Predicted> partsOf(const runtime::EntryPoint &entry);

struct Predictions {
  std::vector<Predicted> parts;
  int64_t samples = 0;
};

/// InvalidArgument where `parts` cannot be written to `path`, which `option`
/// names, or would replace one of `inputs`.
runtime::Status checkPredictions(const std::vector<Predicted> &parts,
                                 const std::string &path,
                                 const std::vector<InputFile> &inputs,
                                 const std::string &option = "-o");

/// Writes a table (.csv), JSON lines (.jsonl, "-" for standard output), the
/// only output (.npy), or a folder with an array each, by how `path` ends; what
/// there is then is printed unless `isQuiet`.
runtime::Status writePredictions(const Predictions &predictions,
                                 const std::string &path, bool isQuiet);

} // namespace nnc::tools

#endif // NNC_TOOLS_PREDICTIONS_H
