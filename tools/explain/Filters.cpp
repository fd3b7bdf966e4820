// Which parameter has filters, and its columns one by one.
#include "tools/explain/Filters.h"

namespace nnc::tools {

using namespace runtime;

/// The size of a filter of `tensor`; null height where it has none. `order`
/// receives the picture that filters on its elements are of.
static FilterSheet findSize(const StateTensor &tensor,
                            const std::vector<View> &views, View &order) {
  FilterSheet sheet;
  sheet.parameter = tensor.name;
  if (tensor.role != Role::Parameter || isInteger(tensor.elementType))
    return sheet;
  if (tensor.shape.size() == 4) {
    sheet.height = tensor.shape[0];
    sheet.width = tensor.shape[1];
    sheet.channels = tensor.shape[2];
  }
  if (tensor.shape.size() == 2)
    for (const View &view : views)
      if (view.isPicture && view.numElements() == tensor.shape[0]) {
        sheet.height = view.height;
        sheet.width = view.width;
        sheet.channels = view.channels;
        order = view;
        break;
      }
  return sheet;
}

static Status readColumns(const Session &session, const StateTensor &tensor,
                          const View &order, FilterSheet &sheet) {
  std::vector<uint8_t> bytes(static_cast<size_t>(tensor.sizeBytes()));
  if (Status status =
          session.readState(tensor.name, bytes.data(), bytes.size());
      !status.isOk())
    return status;
  const size_t count = size_t(tensor.shape.back());
  sheet.filters.resize(count);
  const int64_t size = sizeBytes(tensor.elementType);
  for (int64_t i = 0; i < tensor.numElements(); ++i)
    sheet.filters[size_t(i) % count].push_back(
        toDouble(tensor.elementType, bytes.data() + i * size));
  for (std::vector<double> &filter : sheet.filters)
    filter = order.byPixels(filter);
  return {};
}

StatusOr<FilterSheet> readFilters(const Session &session,
                                  const std::vector<View> &views,
                                  const std::string &layer) {
  for (const StateTensor &tensor : session.plan().state) {
    const bool isNamed =
        layer.empty() || tensor.name.rfind(layer + ".", 0) == 0;
    View order;
    FilterSheet sheet = findSize(tensor, views, order);
    if (!isNamed || sheet.height == 0)
      continue;
    if (Status status = readColumns(session, tensor, order, sheet);
        !status.isOk())
      return status;
    return sheet;
  }
  return Status(
      Code::InvalidArgument,
      concat("no parameter", layer.empty() ? "" : " of layer " + quote(layer),
             " has filters: one of [height, width, channels, filters], or of "
             "[elements, filters] with the elements of a picture"));
}

} // namespace nnc::tools
