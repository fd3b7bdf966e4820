// What training data taught, and what other data then go by: names of classes,
// measured means and deviations, vocabularies. It is kept with the weights.
#ifndef NNC_RUNTIME_DATA_DATAFACTS_H
#define NNC_RUNTIME_DATA_DATAFACTS_H

#include "runtime/Checkpoint.h"
#include "runtime/TableSteps.h"
#include "runtime/data/Preparation.h"

#include <map>
#include <string>
#include <vector>

namespace nnc::runtime {

struct DataFacts {
  /// By input.
  std::map<std::string, std::vector<std::string>> classes;
  std::map<std::string, Normalization> normalization;
  /// Of tables: categories, what stands for missing values, and the smallest
  /// and largest; their classes, means and deviations are above.
  std::map<std::string, TableFacts> tables;
  /// Tokenizers, as Tokenizer::save() gives them.
  std::map<std::string, std::string> vocabularies;

  /// What steps of a table's input go by, and what they have learned.
  TableFacts tableFactsOf(const std::string &input) const;
  void learn(const TableSteps &steps, const TableFacts &found);
  /// Takes vocabularies and categories, and nothing that is measured.
  void takeNames(DataFacts other);

  /// As notes of a file of tensors.
  void save(Metadata &notes) const;
  /// InvalidFile for notes that are none of these, after `path`.
  static StatusOr<DataFacts> restore(const Metadata &notes,
                                     const std::string &path);
};

/// Measures what steps of `columns` wait for on `samples` of them, on
/// `numThreads` threads with the same result at any number, and keeps it in
/// `facts`. What is there already is taken from there.
Status measure(std::vector<Column> &columns,
               const std::vector<int64_t> &samples, int numThreads,
               DataFacts &facts);

/// Gives the steps of `columns` what they wait for from `facts`. InvalidFile
/// where that is of other data.
Status settle(std::vector<Column> &columns, const DataFacts &facts);

/// InvalidArgument, naming an input of which a step still waits.
Status checkSettled(const std::vector<Column> &columns,
                    const std::string &weights);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_DATAFACTS_H
