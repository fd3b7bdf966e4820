// Which tensors of a file fill which of a plan: by the weights' own names, or
// as a table of the plan says; and their elements as the plan has them.
#ifndef NNC_RUNTIME_WEIGHTSMATCHING_H
#define NNC_RUNTIME_WEIGHTSMATCHING_H

#include "runtime/Checkpoint.h"
#include "runtime/Plan.h"
#include "runtime/Session.h"
#include "runtime/Status.h"

#include <string>
#include <vector>

namespace nnc::runtime {

bool isSaved(const StateTensor &tensor, SaveKind kind);
std::string nameInFile(const StateTensor &tensor);

/// A tensor of the file, or one of `count` equal parts of it along `axis`.
struct MatchSource {
  const SavedTensor *tensor;
  int64_t part = 0;
  int64_t count = 1;
  int64_t axis = 0;
};

/// What fills a tensor of the state: the sources side by side along `axis`,
/// then with the dimensions reversed where it is transposed.
struct Match {
  const StateTensor *to;
  std::vector<MatchSource> sources;
  int64_t axis = 0;
  bool isTransposed = false;
};

/// A file against a plan: what goes where, and everything that does not.
struct Comparison {
  std::vector<Match> matches;
  /// Names of the plan's tensors, and beside each what it would be made of;
  /// empty where that is a tensor of its own name.
  std::vector<std::string> missing, sought;
  /// Names of the file's tensors.
  std::vector<std::string> extra;
  /// In words.
  std::vector<std::string> different;
};

/// The table by which the file's names are the plan's: the one that is asked
/// for, "nnc" being none, else the one by which most weights are found. Null:
/// none. InvalidArgument for the name of no table.
StatusOr<const NameTable *> chooseTable(const Plan &plan,
                                        const SafetensorsFile &file,
                                        const std::string &given);

/// The order that the table says.
WeightsOrder orderOf(const NameTable &table);

/// `table` and `entry` may be null; of an entry point, only the tensors that it
/// reads are compared.
Comparison compare(const Plan &plan, const SafetensorsFile &file, SaveKind kind,
                   WeightsOrder order, const NameTable *table,
                   const EntryPoint *entry);

/// Names all that speaks against loading; empty if nothing does.
std::string describeProblems(const Comparison &comparison,
                             const LoadOptions &options);

/// Whether the file has exactly the bytes that the plan wants.
bool isAsInFile(const Match &match, WeightsOrder order);

/// The elements for `match.to`. InvalidFile where the plan's element type does
/// not hold a number of the file exactly. `path` is for messages.
StatusOr<std::vector<char>> readAsInPlan(const SafetensorsFile &file,
                                         const std::string &path,
                                         const Match &match,
                                         WeightsOrder order);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_WEIGHTSMATCHING_H
