// What training data taught of the inputs of tables, as notes of a file of
// weights.
#ifndef NNC_RUNTIME_TABLEFACTS_H
#define NNC_RUNTIME_TABLEFACTS_H

#include "runtime/Checkpoint.h"
#include "runtime/Status.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nnc::runtime {

/// Of one input.
struct TableFacts {
  /// Its categories or classes.
  std::vector<std::string> names;
  /// A number for each field of a sample: what stands for one that is missing,
  /// and what scales the others.
  std::vector<double> fill, mean, deviation, least, most;

  /// InvalidFile, after `path`, for notes that are none of these.
  static StatusOr<TableFacts> restore(const Metadata &notes,
                                      const std::string &input,
                                      const std::string &path);
};

/// The key of a note: "nnc.data/INPUT/WHAT".
std::string noteKey(const std::string &input, std::string_view what);
/// The input that a key is about, where it ends so. The last "/" of a key
/// counts, so that an input may be called anything.
std::optional<std::string> inputOfNote(std::string_view key,
                                       std::string_view what);

std::string numbersNote(const std::vector<double> &numbers);

/// Slashes stand between names that have none; else they are in quotes.
std::string namesNote(const std::vector<std::string> &names);
std::vector<std::string> namesOfNote(std::string_view note);

// What notes are called.
inline constexpr std::string_view classesNote = "classes";
inline constexpr std::string_view categoriesNote = "categories";
inline constexpr std::string_view meanNote = "mean";
inline constexpr std::string_view deviationNote = "deviation";
inline constexpr std::string_view missingNote = "missing";
inline constexpr std::string_view leastNote = "least";
inline constexpr std::string_view mostNote = "most";

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TABLEFACTS_H
