// Reads outputs where they were sent, or where they are.
#include "runtime/RunOutputs.h"

#include "runtime/Session.h"

#include <algorithm>
#include <cassert>

namespace nnc::runtime {

Status RunOutputs::wait() const {
  return number > 0 ? session->receive(number) : Status();
}

StatusOr<const void *> RunOutputs::data(const TensorInfo &output) const {
  if (number == 0)
    return session->outputData(output);
  if (Status status = wait(); !status.isOk())
    return status;
  const size_t index = size_t(&output - ran->outputs.data());
  auto found = std::lower_bound(sent.begin(), sent.end(), index);
  assert(found != sent.end() && *found == index && "the output was wanted");
  const void *place = places[size_t(found - sent.begin())];
  return static_cast<const void *>(place);
}

StatusOr<double> RunOutputs::sum(std::string_view kind) const {
  double total = 0;
  for (const TensorInfo &output : ran->outputs) {
    if (output.kind != kind)
      continue;
    StatusOr<const void *> value = data(output);
    if (!value.isOk())
      return value.status();
    total += toDouble(output.elementType, *value);
  }
  return total;
}

} // namespace nnc::runtime
