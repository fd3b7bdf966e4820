// Samples of a table before the steps of their input, which are done when a
// sample is needed, or once for all where they are in memory.
#ifndef NNC_RUNTIME_DATA_TABLESAMPLES_H
#define NNC_RUNTIME_DATA_TABLESAMPLES_H

#include "runtime/TableSteps.h"
#include "runtime/ThreadPool.h"
#include "runtime/data/Column.h"

#include <memory>
#include <string>
#include <vector>

namespace nnc::runtime {

class TableSamples : public StoredSamples {
public:
  /// `raw` has as many elements a sample as the steps have fields; its
  /// `classes` are the names that they stand for, where the steps take names.
  TableSamples(Column raw, std::shared_ptr<TableSteps> steps, std::string path)
      : raw(std::move(raw)), tableSteps(std::move(steps)),
        path(std::move(path)) {}

  Status write(int64_t index, Workspace &work, uint8_t *to) const override;

  const TableSteps &steps() const { return *tableSteps; }
  bool isInMemory() const override { return raw.isInMemory(); }
  void expect(int64_t first, int64_t count, int64_t mostKept) const override {
    if (raw.stored)
      raw.stored->expect(first, count, mostKept);
  }
  std::shared_mutex *kept() const override {
    return raw.stored ? raw.stored->kept() : nullptr;
  }

  /// Measures what the steps wait for on `samples`; the same at any number of
  /// threads.
  StatusOr<TableFacts> measure(const std::vector<int64_t> &samples,
                               ThreadPool &pool);
  Status settle(const TableFacts &facts);
  /// Takes classes that are given nowhere from all samples of training data:
  /// which of these are held out may go by them.
  Status settleClasses();

  /// Whether the fields of a sample have values: a 1 each, else a 0.
  Status writeMask(int64_t index, ElementType type, Workspace &work,
                   uint8_t *to) const;

private:
  friend class TableMeasure;
  /// The fields of a sample, names by their final numbers where these are
  /// known.
  Status fields(int64_t index, Workspace &work) const;
  Status read(int64_t index, Workspace &work) const;
  Status failAt(int64_t index, const Status &status) const;

  const Column raw;
  const std::shared_ptr<TableSteps> tableSteps;
  const std::string path;
  /// Of each name as it came, what the model gets.
  std::vector<double> numberOf;
};

/// Where `of` has values: the samples of the input that its mask names.
class MaskSamples : public StoredSamples {
public:
  MaskSamples(std::shared_ptr<const TableSamples> of, ElementType type)
      : of(std::move(of)), type(type) {}

  Status write(int64_t index, Workspace &work, uint8_t *to) const override {
    return of->writeMask(index, type, work, to);
  }
  bool isInMemory() const override { return of->isInMemory(); }
  std::shared_mutex *kept() const override { return of->kept(); }

private:
  const std::shared_ptr<const TableSamples> of;
  const ElementType type;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_TABLESAMPLES_H
