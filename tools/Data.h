// Samples for an entry point's inputs: from the files that the model's `data`
// block names, or made up.
#ifndef NNC_TOOLS_DATA_H
#define NNC_TOOLS_DATA_H

#include "runtime/Plan.h"
#include "runtime/Session.h"
#include "runtime/data/Batches.h"
#include "runtime/data/Column.h"
#include "runtime/data/DataFacts.h"
#include "runtime/data/Reader.h"

#include <cstdint>
#include <string>
#include <vector>

namespace nnc::tools {

/// A column an input of an entry point, in its order.
using Columns = std::vector<runtime::Column>;

int64_t numSamples(const Columns &columns);

/// Where sample `first` begins in each column: the inputs of a batch of
/// neighbouring samples, in place.
std::vector<const void *> pointersAt(const Columns &columns, int64_t first);

/// Where the data of a model are, and how they are read.
struct DataRequest {
  const runtime::Plan &plan;
  /// Files are looked for as readOptions says.
  const std::string &model, &folder;
  int numThreads = 1;
  int64_t mostSamples = INT64_MAX;
  /// Whether each row of a table must become a sample.
  bool keepsRows = false;
};

/// Where the files of a model's data are: in `folder` alone, or where it is
/// empty beside the model, in the working folder, in those that the
/// environment's NNC_DATA names, with colons between them, and in the folder
/// that the program names.
runtime::ReadOptions readOptions(const std::string &model,
                                 const std::string &folder = "");

/// The inputs that other entry points of the plan have and `entry` lacks.
std::vector<runtime::TensorInfo> inputsBeside(const runtime::Plan &plan,
                                              const runtime::EntryPoint &entry);

/// Reads `split` for `entry`, by `facts` and adding to them. Returns an exit
/// status, after a diagnostic at the binding.
int loadSplit(const DataRequest &request, const runtime::EntryPoint &entry,
              const std::string &split, Columns &columns,
              runtime::DataFacts &facts);

/// The same by what the training data of `weightsFile` taught, which `facts`
/// receives.
int loadSplitFor(const DataRequest &request, const runtime::EntryPoint &entry,
                 const std::string &split, const std::string &weightsFile,
                 Columns &columns, runtime::DataFacts &facts);

/// The threads that gather batches for runs of a session.
inline runtime::GatheringThreads gatheringThreads(runtime::Session &session) {
  return {session.numThreads(), session.computingThreads()};
}

/// Prepares all samples, as they are in evaluation.
runtime::Status bringIntoMemory(Columns &columns);

/// What the training data of these weights taught.
runtime::StatusOr<runtime::DataFacts> loadFacts(const std::string &weightsFile);

/// Random samples of the inputs' types and ranges, the same every time.
Columns inventInputs(const runtime::EntryPoint &entry, int64_t count);

/// The model's training data, in memory, where it is bound and its files are
/// there, random samples otherwise; after a note where they are there and
/// cannot be read.
Columns loadOrInvent(const runtime::Plan &plan,
                     const runtime::EntryPoint &entry, const std::string &model,
                     const std::string &folder, int64_t count);

} // namespace nnc::tools

#endif // NNC_TOOLS_DATA_H
