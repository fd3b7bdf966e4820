// Takes the fields of a sample through their steps.
#include "runtime/data/TableSamples.h"

#include "runtime/data/Preparation.h"

#include <cmath>

namespace nnc::runtime {

Status TableSamples::failAt(int64_t index, const Status &status) const {
  return {status.code(),
          concat(path, ": sample ", index, ": ", status.message())};
}

/// As they are in the file.
Status TableSamples::read(int64_t index, Workspace &work) const {
  const int64_t bytes = raw.sampleBytes();
  const size_t count = size_t(tableSteps->numFields());
  work.fields.resize(count);
  const uint8_t *from = nullptr;
  if (raw.isInMemory()) {
    from = raw.data.data() + index * bytes;
  } else {
    work.elements.resize(size_t(bytes));
    if (Status status = raw.stored->write(index, work, work.elements.data());
        !status.isOk())
      return status;
    from = work.elements.data();
  }
  const int64_t size = sizeBytes(raw.elementType);
  for (size_t i = 0; i < count; ++i)
    work.fields[i] = toDouble(raw.elementType, from + int64_t(i) * size);
  return {};
}

Status TableSamples::fields(int64_t index, Workspace &work) const {
  Status status = read(index, work);
  for (double &field : work.fields) {
    if (!status.isOk())
      return failAt(index, status);
    if (!numberOf.empty())
      field = numberOf[size_t(field)];
    else if (!tableSteps->takesNames())
      status = tableSteps->check(field);
  }
  return status.isOk() ? status : failAt(index, status);
}

Status TableSamples::write(int64_t index, Workspace &work, uint8_t *to) const {
  if (Status status = fields(index, work); !status.isOk())
    return status;
  Status status = tableSteps->apply(work.fields.data(), to);
  return status.isOk() ? status : failAt(index, status);
}

Status TableSamples::writeMask(int64_t index, ElementType type, Workspace &work,
                               uint8_t *to) const {
  if (Status status = read(index, work); !status.isOk())
    return status;
  const int64_t bytes = sizeBytes(type);
  for (size_t i = 0; i < work.fields.size(); ++i) {
    const double field = work.fields[i];
    const bool isThere = tableSteps->takesNames()
                             ? !raw.classes[size_t(field)].empty()
                             : !std::isnan(field);
    fromDouble(type, isThere, to + int64_t(i) * bytes);
  }
  return {};
}

Status TableSamples::settle(const TableFacts &facts) {
  if (Status status = tableSteps->settle(facts); !status.isOk())
    return status;
  if (!tableSteps->takesNames() || !numberOf.empty() ||
      tableSteps->open() == TableSteps::Open::Names)
    return {};
  for (const std::string &name : raw.classes) {
    StatusOr<double> number = tableSteps->numberOf(name);
    if (!number.isOk())
      return {Code::InvalidFile, concat(path, ": ", number.status().message())};
    numberOf.push_back(*number);
  }
  return {};
}

} // namespace nnc::runtime
