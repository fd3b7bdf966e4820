// Writes predictions a sample a line.
#include "tools/Predictions.h"

#include "runtime/AtomicFile.h"
#include "runtime/Tensor.h"
#include "tools/Json.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace nnc::tools {

using namespace runtime;
using nlohmann::ordered_json;

static bool endsWith(const std::string &path, std::string_view ending) {
  return path.size() > ending.size() &&
         path.compare(path.size() - ending.size(), ending.size(), ending) == 0;
}

PredictionForm formOf(const std::string &path) {
  if (endsWith(path, ".csv"))
    return PredictionForm::Csv;
  if (endsWith(path, ".jsonl") || endsWith(path, ".ndjson"))
    return PredictionForm::JsonLines;
  return endsWith(path, ".npy") ? PredictionForm::Npy : PredictionForm::Folder;
}

Status checkForm(const EntryPoint &entry, PredictionForm form,
                 const std::string &path) {
  if (form == PredictionForm::Npy && entry.outputs.size() != 1)
    return {Code::InvalidArgument,
            concat(path, ": a .npy file holds one output, the model has ",
                   entry.outputs.size(), "; -o FOLDER makes a file of each")};
  const bool isLines =
      form == PredictionForm::Csv || form == PredictionForm::JsonLines;
  for (const TensorInfo &output : entry.outputs)
    if (isLines && (output.shape.empty() || output.shape[0] != -1))
      return {Code::InvalidArgument,
              concat(path, ": output ", quote(output.name), ", ",
                     describe(output.elementType, output.shape),
                     ", has no row a sample; -o FOLDER makes a .npy file of "
                     "it")};
  return {};
}

const std::vector<std::string> *classesOf(const TensorInfo &output,
                                          const DataFacts &facts) {
  const bool isRow = output.shape.size() == 2 && output.shape[0] == -1;
  return isRow ? facts.classesOf(size_t(output.shape[1])) : nullptr;
}

std::vector<std::string> likeliest(const TensorInfo &output,
                                   const std::vector<std::string> &names,
                                   int64_t samples,
                                   const std::vector<uint8_t> &values) {
  const int64_t bytes = sizeBytes(output.elementType);
  std::vector<std::string> result;
  for (int64_t sample = 0; sample < samples; ++sample) {
    size_t largest = 0;
    auto valueOf = [&](size_t place) {
      return toDouble(output.elementType,
                      values.data() +
                          (size_t(sample) * names.size() + place) * bytes);
    };
    for (size_t place = 1; place < names.size(); ++place)
      if (valueOf(place) > valueOf(largest))
        largest = place;
    result.push_back(names[largest]);
  }
  return result;
}

namespace {
/// An output as columns of a table.
struct OutputColumns {
  const TensorInfo &output;
  const std::vector<uint8_t> &values;
  /// Elements a sample, and what each is called.
  int64_t count = 1;
  std::vector<std::string> names = {};
  /// One a sample, where classes have names.
  std::vector<std::string> classes = {};

  const void *at(int64_t sample, int64_t element) const {
    return values.data() +
           (sample * count + element) * sizeBytes(output.elementType);
  }
};
} // namespace

static OutputColumns columnsOf(const Predictions &predictions, size_t index) {
  const TensorInfo &output = predictions.entry.outputs[index];
  OutputColumns columns{output, predictions.values[index]};
  columns.count = *numElements(output.shape);
  const std::vector<std::string> *names = classesOf(output, predictions.facts);
  for (int64_t i = 0; i < columns.count; ++i)
    columns.names.push_back(names
                                ? concat(output.name, "_", (*names)[size_t(i)])
                            : columns.count == 1 ? output.name
                                                 : concat(output.name, "_", i));
  if (names)
    columns.classes =
        likeliest(output, *names, predictions.samples, columns.values);
  return columns;
}

/// With as few digits as give the number back.
static std::string numberText(ElementType type, const void *element) {
  const double number = toDouble(type, element);
  if (isInteger(type) || type == ElementType::Bool)
    return elementText(type, element);
  char digits[64];
  const auto end = type == ElementType::F64
                       ? std::to_chars(digits, std::end(digits), number)
                       : std::to_chars(digits, std::end(digits), float(number));
  return std::string(digits, end.ptr);
}

/// In quotes where it needs some (RFC 4180, section 2).
static std::string csvField(const std::string &text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos)
    return text;
  std::string quoted = "\"";
  for (char c : text)
    quoted += c == '"' ? std::string(2, c) : std::string(1, c);
  return quoted + "\"";
}

static std::string csvHeader(const std::vector<OutputColumns> &outputs) {
  std::string line;
  auto add = [&](const std::string &name) {
    line += (line.empty() ? "" : ",") + csvField(name);
  };
  for (const OutputColumns &columns : outputs) {
    if (!columns.classes.empty())
      add(columns.output.name + "_class");
    for (const std::string &name : columns.names)
      add(name);
  }
  return line + "\n";
}

static std::string csvLine(const std::vector<OutputColumns> &outputs,
                           int64_t sample) {
  std::string line;
  bool isFirst = true;
  auto add = [&](const std::string &text) {
    line += (isFirst ? "" : ",") + text;
    isFirst = false;
  };
  for (const OutputColumns &columns : outputs) {
    if (!columns.classes.empty())
      add(csvField(columns.classes[size_t(sample)]));
    for (int64_t i = 0; i < columns.count; ++i)
      add(numberText(columns.output.elementType, columns.at(sample, i)));
  }
  return line + "\n";
}

/// As JSON has it: what is not finite is null.
static std::string jsonNumber(const OutputColumns &columns, int64_t sample,
                              int64_t element) {
  const void *at = columns.at(sample, element);
  const ElementType type = columns.output.elementType;
  return std::isfinite(toDouble(type, at)) ? numberText(type, at) : "null";
}

static std::string jsonLine(const std::vector<OutputColumns> &outputs,
                            int64_t sample) {
  std::string line = "{";
  for (const OutputColumns &columns : outputs) {
    const std::string name = toLine(ordered_json(columns.output.name));
    line += (line.size() > 1 ? ", " : "") + name + ": ";
    const bool isScalar = columns.output.shape.size() == 1;
    std::string list;
    for (int64_t i = 0; i < columns.count; ++i)
      list += (list.empty() ? "" : ", ") + jsonNumber(columns, sample, i);
    line += isScalar ? list : "[" + list + "]";
    if (!columns.classes.empty())
      line += ", " + toLine(ordered_json(columns.output.name + "_class")) +
              ": " + toLine(ordered_json(columns.classes[size_t(sample)]));
  }
  return line + "}\n";
}

Status writeLines(const Predictions &predictions, PredictionForm form,
                  const std::string &path) {
  StatusOr<AtomicFile> file = AtomicFile::create(path);
  if (!file.isOk())
    return file.status();
  std::vector<OutputColumns> outputs;
  for (size_t i = 0; i < predictions.entry.outputs.size(); ++i)
    outputs.push_back(columnsOf(predictions, i));
  const bool isCsv = form == PredictionForm::Csv;
  std::string lines = isCsv ? csvHeader(outputs) : "";
  constexpr size_t pieceBytes = 1 << 20;
  for (int64_t sample = 0; sample < predictions.samples; ++sample) {
    lines += isCsv ? csvLine(outputs, sample) : jsonLine(outputs, sample);
    if (lines.size() < pieceBytes)
      continue;
    if (Status status = file->write(lines.data(), lines.size()); !status.isOk())
      return status;
    lines.clear();
  }
  Status status = file->write(lines.data(), lines.size());
  return status.isOk() ? file->commit() : status;
}

} // namespace nnc::tools
