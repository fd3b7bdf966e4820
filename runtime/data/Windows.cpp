// Cuts windows when they are needed.
#include "runtime/data/Windows.h"

#include <algorithm>
#include <cstring>

namespace nnc::runtime {

void TokenMemory::append(const std::vector<int32_t> &ids) {
  if (isNarrow)
    narrow.insert(narrow.end(), ids.begin(), ids.end());
  else
    wide.insert(wide.end(), ids.begin(), ids.end());
}

Status TokenMemory::read(int64_t first, int64_t count, int64_t *to) const {
  if (isNarrow)
    std::copy_n(narrow.begin() + first, count, to);
  else
    std::copy_n(wide.begin() + first, count, to);
  return {};
}

namespace {
/// Tokens of an input, `shift` behind those of the window.
class Windows : public StoredSamples {
public:
  Windows(std::shared_ptr<const TokenSequence> tokens, TensorInfo input,
          int64_t window, int64_t stride, int64_t shift)
      : tokens(std::move(tokens)), input(std::move(input)), window(window),
        stride(stride), shift(shift) {}

  Status write(int64_t index, Workspace &work, uint8_t *to) const override;

private:
  Status store(int64_t place, int64_t token, uint8_t *to) const;

  const std::shared_ptr<const TokenSequence> tokens;
  const TensorInfo input;
  const int64_t window, stride, shift;
};
} // namespace

Status Windows::store(int64_t place, int64_t token, uint8_t *to) const {
  const bool isIndex =
      token >= 0 && (input.indexLimit == 0 || token < input.indexLimit);
  if (isIndex && fits(input.elementType, double(token))) {
    fromDouble(input.elementType, double(token), to);
    return {};
  }
  return {Code::InvalidFile,
          concat(tokens->path(), ": token ", place, " is ", token, ", input ",
                 quote(input.name), " of type ", name(input.elementType),
                 input.indexLimit > 0
                     ? concat(" takes 0 to ", input.indexLimit - 1)
                     : std::string(" does not hold it"))};
}

Status Windows::write(int64_t index, Workspace &, uint8_t *to) const {
  std::vector<int64_t> ids(static_cast<size_t>(window));
  const int64_t first = index * stride + shift;
  if (Status status = tokens->read(first, window, ids.data()); !status.isOk())
    return status;
  const int64_t bytes = sizeBytes(input.elementType);
  for (int64_t i = 0; i < window; ++i)
    if (Status status = store(first + i, ids[size_t(i)], to + i * bytes);
        !status.isOk())
      return status;
  return {};
}

static Status checkInputs(const ReadRequest &request,
                          const TextSettings &settings) {
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    const TensorInfo &input = *request.inputs[i];
    if (request.isOpen[i])
      return {Code::InvalidArgument,
              concat("input ", quote(input.name),
                     " has steps: windows of tokens go through none")};
    if (input.shape != Shape{-1, settings.window} ||
        !isInteger(input.elementType))
      return {Code::InvalidArgument,
              concat("windows of ", settings.window,
                     " tokens fill an input such as i32[batch, ",
                     settings.window, "], input ", quote(input.name), " is ",
                     describe(input.elementType, input.shape))};
  }
  return {};
}

StatusOr<std::vector<Column>>
cutWindows(const ReadRequest &request, const TextSettings &settings,
           std::shared_ptr<const TokenSequence> tokens) {
  if (Status status = checkInputs(request, settings); !status.isOk())
    return status;
  const int64_t taken = settings.window + settings.has(TextPart::Targets);
  if (tokens->size() < taken)
    return Status(Code::InvalidFile,
                  concat(tokens->path(), ": ", tokens->size(),
                         " tokens, a window takes ", taken));
  const int64_t count = (tokens->size() - taken) / settings.stride + 1;
  std::vector<Column> columns;
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    Column &column = columns.emplace_back();
    column.name = request.inputs[i]->name;
    column.elementType = request.inputs[i]->elementType;
    column.sampleShape = {settings.window};
    column.numSamples = std::min(count, request.mostSamples);
    column.stored = std::make_shared<Windows>(
        tokens, *request.inputs[i], settings.window, settings.stride,
        settings.parts[i] == TextPart::Targets);
  }
  return columns;
}

} // namespace nnc::runtime
