// What `nnc predict` leaves: arrays, a table, or JSON lines.
#ifndef NNC_TOOLS_PREDICTIONS_H
#define NNC_TOOLS_PREDICTIONS_H

#include "runtime/Plan.h"
#include "runtime/Status.h"
#include "runtime/data/DataFacts.h"

#include <cstdint>
#include <string>
#include <vector>

namespace nnc::tools {

/// The outputs of all samples, in the entry point's order: each as its shape
/// says, with the samples in place of the batch.
struct Predictions {
  const runtime::EntryPoint &entry;
  int64_t samples = 0;
  std::vector<std::vector<uint8_t>> values;
  const runtime::DataFacts &facts;
};

/// What `-o` names, by how it ends.
enum class PredictionForm { Folder, Npy, Csv, JsonLines };
PredictionForm formOf(const std::string &path);

/// InvalidArgument where the outputs cannot be written in that form.
runtime::Status checkForm(const runtime::EntryPoint &entry, PredictionForm form,
                          const std::string &path);

/// The names of the classes that an output has a number for each of; null if it
/// is no such output.
const std::vector<std::string> *classesOf(const runtime::TensorInfo &output,
                                          const runtime::DataFacts &facts);

/// The likeliest class of each sample: of the largest number, the first of
/// several.
std::vector<std::string> likeliest(const runtime::TensorInfo &output,
                                   const std::vector<std::string> &names,
                                   int64_t samples,
                                   const std::vector<uint8_t> &values);

/// Writes a table or JSON lines, a sample a line.
runtime::Status writeLines(const Predictions &predictions, PredictionForm form,
                           const std::string &path);

} // namespace nnc::tools

#endif // NNC_TOOLS_PREDICTIONS_H
