// Writes predictions: a sample a line, or an array an output.
#include "tools/Predictions.h"

#include "runtime/AtomicFile.h"
#include "runtime/Tensor.h"
#include "runtime/data/Npy.h"
#include "tools/Json.h"
#include "tools/Program.h"
#include "tools/Text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <iostream>

namespace nnc::tools {

using namespace runtime;
using nlohmann::ordered_json;

bool isPrediction(const EntryPoint &entry) {
  return !entry.outputs.empty() && entry.shortOf.empty() &&
         std::all_of(
             entry.outputs.begin(), entry.outputs.end(),
             [](const TensorInfo &output) { return output.kind == "output"; });
}

StatusOr<const EntryPoint *> findPrediction(const Plan &plan,
                                            const std::string &name) {
  const EntryPoint *found =
      plan.findEntryPoint(name.empty() ? "predict" : name);
  if (found && isPrediction(*found))
    return found;
  std::string groups;
  for (const EntryPoint &entry : plan.entryPoints)
    if (isPrediction(entry))
      groups += concat(groups.empty() ? "" : ", ", printable(entry.name));
  if (groups.empty())
    return Status(Code::InvalidArgument,
                  "the model has no output: add `output NAME = VALUE`");
  return Status(Code::InvalidArgument,
                name.empty()
                    ? concat("all outputs of the model are in groups: say "
                             "which with --entry, one of ",
                             groups)
                    : concat("the model has no group of outputs ", quote(name),
                             "; there are ", groups));
}

std::vector<Predicted> partsOf(const EntryPoint &entry) {
  std::vector<Predicted> parts;
  for (const TensorInfo &output : entry.outputs)
    parts.push_back({output, output.name});
  return parts;
}

//===----------------------------------------------------------------------===//
// Where they go
//===----------------------------------------------------------------------===//

namespace {
/// What a path asks for, by how it ends.
enum class Form { Folder, Npy, Csv, JsonLines };
} // namespace

static bool endsWith(const std::string &path, std::string_view ending) {
  return path.size() > ending.size() &&
         path.compare(path.size() - ending.size(), ending.size(), ending) == 0;
}

static Form formOf(const std::string &path) {
  if (endsWith(path, ".csv"))
    return Form::Csv;
  if (endsWith(path, ".jsonl") || endsWith(path, ".ndjson") || path == "-")
    return Form::JsonLines;
  return endsWith(path, ".npy") ? Form::Npy : Form::Folder;
}

/// A single array is of an output: labels are not asked for.
static bool isWritten(const Predicted &part, Form form) {
  return form != Form::Npy || !part.areLabels;
}

static Status checkForm(const std::vector<Predicted> &parts, Form form,
                        const std::string &path) {
  const auto count =
      std::count_if(parts.begin(), parts.end(), [&](const Predicted &part) {
        return isWritten(part, form);
      });
  if (form == Form::Npy && count != 1)
    return {Code::InvalidArgument,
            concat(path, ": a .npy file holds one output, the model has ",
                   count, "; a folder holds a file of each")};
  const bool isLines = form == Form::Csv || form == Form::JsonLines;
  for (const Predicted &part : parts)
    if (isLines && (part.info.shape.empty() || part.info.shape[0] != -1))
      return {Code::InvalidArgument,
              concat(path, ": output ", quote(part.name), ", ",
                     describe(part.info.elementType, part.info.shape),
                     ", has no row a sample; a folder holds a .npy file of "
                     "it")};
  return {};
}

static std::string arrayPath(const std::string &path, const Predicted &part) {
  return formOf(path) == Form::Npy ? path : path + "/" + part.name + ".npy";
}

Status checkPredictions(const std::vector<Predicted> &parts,
                        const std::string &path,
                        const std::vector<InputFile> &inputs,
                        const std::string &option) {
  const Form form = formOf(path);
  if (Status status = checkForm(parts, form, path); !status.isOk())
    return status;
  if (form != Form::Folder)
    return checkNoInput(path, "the output", inputs, option);
  for (const Predicted &part : parts) {
    if (!isFileName(part.name))
      return {Code::InvalidArgument,
              concat("output ", quote(part.name),
                     " cannot be written: its name is none for a file")};
    if (Status status =
            checkNoInput(arrayPath(path, part),
                         concat("output ", quote(part.name)), inputs, option);
        !status.isOk())
      return status;
  }
  return {};
}

//===----------------------------------------------------------------------===//
// A sample a line
//===----------------------------------------------------------------------===//

/// The likeliest class of each sample: of the largest number, the first of
/// several.
static std::vector<std::string> likeliest(const Predicted &part,
                                          int64_t samples) {
  const std::vector<std::string> &names = *part.classes;
  const ElementType type = part.info.elementType;
  std::vector<std::string> result;
  for (int64_t sample = 0; sample < samples; ++sample) {
    size_t largest = 0;
    auto valueOf = [&](size_t place) {
      return toDouble(type, part.values.data() +
                                (size_t(sample) * names.size() + place) *
                                    size_t(sizeBytes(type)));
    };
    for (size_t place = 1; place < names.size(); ++place)
      if (valueOf(place) > valueOf(largest))
        largest = place;
    result.push_back(names[largest]);
  }
  return result;
}

/// What each label is called; an empty name where it is no class.
static std::vector<std::string> namesOfLabels(const Predicted &part,
                                              int64_t samples) {
  const ElementType type = part.info.elementType;
  std::vector<std::string> result;
  for (int64_t sample = 0; sample < samples; ++sample) {
    const double label =
        toDouble(type, part.values.data() + sample * sizeBytes(type));
    const bool isClass = label >= 0 && label < double(part.classes->size());
    result.push_back(isClass ? (*part.classes)[size_t(label)] : "");
  }
  return result;
}

/// The text of each sample's ids, up to the end of a text.
static std::vector<std::string> textsOf(const Predicted &part,
                                        int64_t samples) {
  const ElementType type = part.info.elementType;
  const int64_t places = part.info.shape[1];
  const int32_t end = part.tokenizer->special().end;
  std::vector<std::string> result;
  const uint8_t *element = part.values.data();
  for (int64_t sample = 0; sample < samples; ++sample) {
    std::vector<int32_t> ids;
    for (int64_t i = 0; i < places; ++i, element += sizeBytes(type))
      ids.push_back(int32_t(toDouble(type, element)));
    if (end >= 0)
      ids.erase(std::find(ids.begin(), ids.end(), end), ids.end());
    result.push_back(decode(*part.tokenizer, ids));
  }
  return result;
}

namespace {
/// An output as columns of a table.
struct OutputColumns {
  const Predicted &part;
  /// Elements a sample, and what each is called.
  int64_t count = 1;
  std::vector<std::string> names = {};
  /// One a sample, where classes have names or ids are of a text, and what
  /// the column of them is called.
  std::vector<std::string> words = {};
  std::string nameOfWords = {};

  const void *at(int64_t sample, int64_t element) const {
    return part.values.data() +
           (sample * count + element) * sizeBytes(part.info.elementType);
  }
};
} // namespace

static OutputColumns columnsOf(const Predicted &part, int64_t samples) {
  OutputColumns columns{part};
  columns.count = *numElements(part.info.shape);
  const bool isNamed = part.classes && !part.areLabels;
  for (int64_t i = 0; i < columns.count; ++i)
    columns.names.push_back(
        isNamed ? concat(part.name, "_", (*part.classes)[size_t(i)])
        : columns.count == 1 ? part.name
                             : concat(part.name, "_", i));
  if (part.classes)
    columns.words =
        isNamed ? likeliest(part, samples) : namesOfLabels(part, samples);
  else if (part.tokenizer)
    columns.words = textsOf(part, samples);
  columns.nameOfWords = part.name + (part.classes ? "_class" : "_text");
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
    if (!columns.words.empty())
      add(columns.nameOfWords);
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
    if (!columns.words.empty())
      add(csvField(columns.words[size_t(sample)]));
    for (int64_t i = 0; i < columns.count; ++i)
      add(numberText(columns.part.info.elementType, columns.at(sample, i)));
  }
  return line + "\n";
}

/// As JSON has it: what is not finite is null.
static std::string jsonNumber(const OutputColumns &columns, int64_t sample,
                              int64_t element) {
  const void *at = columns.at(sample, element);
  const ElementType type = columns.part.info.elementType;
  return std::isfinite(toDouble(type, at)) ? numberText(type, at) : "null";
}

static std::string jsonLine(const std::vector<OutputColumns> &outputs,
                            int64_t sample) {
  std::string line = "{";
  for (const OutputColumns &columns : outputs) {
    const std::string name = toLine(ordered_json(columns.part.name));
    line += (line.size() > 1 ? ", " : "") + name + ": ";
    const bool isScalar = columns.part.info.shape.size() == 1;
    std::string list;
    for (int64_t i = 0; i < columns.count; ++i)
      list += (list.empty() ? "" : ", ") + jsonNumber(columns, sample, i);
    line += isScalar ? list : "[" + list + "]";
    if (!columns.words.empty())
      line += ", " + toLine(ordered_json(columns.nameOfWords)) + ": " +
              toLine(ordered_json(columns.words[size_t(sample)]));
  }
  return line + "}\n";
}

using TakeLines = std::function<Status(const std::string &lines)>;

/// Gives `take` the lines, some at a time.
static Status makeLines(const Predictions &predictions, bool isCsv,
                        const TakeLines &take) {
  std::vector<OutputColumns> outputs;
  for (const Predicted &part : predictions.parts)
    outputs.push_back(columnsOf(part, predictions.samples));
  std::string lines = isCsv ? csvHeader(outputs) : "";
  constexpr size_t pieceBytes = 1 << 20;
  for (int64_t sample = 0; sample < predictions.samples; ++sample) {
    lines += isCsv ? csvLine(outputs, sample) : jsonLine(outputs, sample);
    if (lines.size() < pieceBytes)
      continue;
    if (Status status = take(lines); !status.isOk())
      return status;
    lines.clear();
  }
  return take(lines);
}

static Status writeLines(const Predictions &predictions, bool isCsv,
                         const std::string &path) {
  if (path == "-")
    return makeLines(predictions, isCsv, [](const std::string &lines) {
      std::cout << lines;
      return Status();
    });
  StatusOr<AtomicFile> file = AtomicFile::create(path);
  if (!file.isOk())
    return file.status();
  Status status = makeLines(predictions, isCsv, [&](const std::string &lines) {
    return file->write(lines.data(), lines.size());
  });
  return status.isOk() ? file->commit() : status;
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

/// A line a sample: a text of several has blanks between them.
static Status writeWords(const std::string &path,
                         const std::vector<std::string> &words) {
  std::string lines;
  for (std::string line : words) {
    std::replace(line.begin(), line.end(), '\n', ' ');
    lines += line + "\n";
  }
  StatusOr<AtomicFile> file = AtomicFile::create(path);
  if (!file.isOk())
    return file.status();
  Status status = file->write(lines.data(), lines.size());
  return status.isOk() ? file->commit() : status;
}

/// A .npy file each, and in a folder the names of classes and texts. `said`
/// receives a line for each file.
static Status writeArrays(const Predictions &predictions, Form form,
                          const std::string &path, std::string &said) {
  for (const Predicted &part : predictions.parts) {
    if (!isWritten(part, form))
      continue;
    Shape shape = part.info.shape;
    std::replace(shape.begin(), shape.end(), int64_t(-1), predictions.samples);
    const ElementType type = part.info.elementType;
    const std::string file = arrayPath(path, part);
    if (Status status = writeNpy(file, type, shape, part.values.data());
        !status.isOk())
      return status;
    said += concat(file, "  ", describe(type, shape), "\n");
    const bool hasWords = part.tokenizer || (part.classes && !part.areLabels);
    if (!hasWords || form != Form::Folder)
      continue;
    const std::string words =
        path + "/" + part.name + (part.classes ? ".classes.txt" : ".txt");
    if (Status status = writeWords(
            words, part.classes ? likeliest(part, predictions.samples)
                                : textsOf(part, predictions.samples));
        !status.isOk())
      return status;
    said += words + (part.classes ? "  the likeliest class of each\n"
                                  : "  the text of each\n");
  }
  return {};
}

Status writePredictions(const Predictions &predictions, const std::string &path,
                        bool isQuiet) {
  const Form form = formOf(path);
  const bool isLines = form == Form::Csv || form == Form::JsonLines;
  if (Status status = makeFolder(form == Form::Folder ? path : folderOf(path));
      !status.isOk())
    return status;
  std::string said;
  if (isLines)
    said = concat(path, "  ", predictions.samples, " samples\n");
  Status status = isLines ? writeLines(predictions, form == Form::Csv, path)
                          : writeArrays(predictions, form, path, said);
  if (status.isOk() && !isQuiet && path != "-")
    std::cout << said;
  return status;
}

} // namespace nnc::tools
