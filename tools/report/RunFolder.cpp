// Files of a folder may come from anywhere: sizes, depths and counts have
// bounds, and what is no JSON is named.
#include "tools/report/RunFolder.h"

#include "tools/LogLines.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

namespace nnc::tools {

using namespace runtime;
using json = nlohmann::ordered_json;

static constexpr size_t mostObjectBytes = size_t(64) << 20;
static constexpr size_t mostMistakes = 60, mostFilters = 256;

//===----------------------------------------------------------------------===//
// JSON from files
//===----------------------------------------------------------------------===//

/// Discarded where it is no JSON, or nested deeper than anything that is
/// written here.
static json parse(const std::string &text) {
  constexpr int deepest = 12;
  bool isDeep = false;
  json value = json::parse(
      text,
      [&](int depth, json::parse_event_t, json &) {
        isDeep |= depth > deepest;
        return depth <= deepest;
      },
      /*allow_exceptions=*/false);
  return isDeep ? json(json::value_t::discarded) : value;
}

/// Calls `use` with each line that is an object. InvalidFile at the first that
/// is none; a last line without its end is one that is being written.
static Status readLines(const std::string &path,
                        const std::function<void(json)> &use) {
  Status damage;
  Status status =
      readLogLines(path, [&](const std::string &line, int64_t number) {
        json value = parse(line);
        if (value.is_object())
          use(std::move(value));
        else
          damage = {Code::InvalidFile,
                    concat(path, ": line ", number, " is no JSON object")};
        return damage.isOk();
      });
  return damage.isOk() ? status : damage;
}

/// A file of one object; null where there is none. InvalidFile for what is no
/// object.
static StatusOr<json> readObject(const std::string &path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error == std::errc::no_such_file_or_directory)
    return json(nullptr);
  std::ostringstream text;
  if (!error && size <= mostObjectBytes)
    text << std::ifstream(path, std::ios::binary).rdbuf();
  json value = parse(text.str());
  if (value.is_object())
    return value;
  return Status(Code::InvalidFile, path + " is no JSON object");
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

namespace {
/// The steps of one name: a column a quantity.
struct StepTable {
  std::string of;
  std::vector<std::string> names;
  std::vector<std::vector<double>> columns;
  size_t numRows = 0;

  void add(const json &record);
  json describe() const;
};
} // namespace

void StepTable::add(const json &record) {
  constexpr size_t mostColumns = 64;
  for (auto &[name, value] : record.items()) {
    size_t i = std::find(names.begin(), names.end(), name) - names.begin();
    if (i == names.size() && i < mostColumns && name != "of") {
      names.push_back(name);
      columns.emplace_back(numRows, NAN);
    }
    if (i < columns.size())
      columns[i].push_back(value.is_number() ? value.get<double>() : NAN);
  }
  ++numRows;
  for (std::vector<double> &column : columns)
    column.resize(numRows, NAN);
}

/// Neighbours become their mean where they are more than a screen shows.
json StepTable::describe() const {
  constexpr size_t mostPoints = 4000;
  const size_t together = (numRows + mostPoints - 1) / mostPoints;
  json object = {{"of", of}, {"together", together}};
  for (size_t i = 0; i < names.size(); ++i) {
    json means = json::array();
    for (size_t begin = 0; begin < numRows; begin += together) {
      const size_t end = std::min(begin + together, numRows);
      double sum = 0;
      for (size_t row = begin; row < end; ++row)
        sum += columns[i][row];
      means.push_back(sum / double(end - begin));
    }
    object["columns"][names[i]] = std::move(means);
  }
  return object;
}

/// A table for each of the training steps that take turns; none where there is
/// no file.
static StatusOr<json> readSteps(const std::string &path) {
  constexpr size_t mostTables = 64;
  std::vector<StepTable> tables;
  Status status = readLines(path, [&](json record) {
    const json of = record.value("of", json(""));
    const std::string name = of.is_string() ? of.get<std::string>() : "";
    auto table =
        std::find_if(tables.begin(), tables.end(),
                     [&](const StepTable &known) { return known.of == name; });
    if (table == tables.end() && tables.size() < mostTables)
      table = tables.insert(table, StepTable{name, {}, {}, 0});
    if (table != tables.end())
      table->add(record);
  });
  if (!status.isOk() && status.code() != Code::NotFound)
    return status;
  json described = json::array();
  for (const StepTable &table : tables)
    described.push_back(table.describe());
  return described;
}

//===----------------------------------------------------------------------===//
// Pictures
//===----------------------------------------------------------------------===//

static std::string toBase64(const std::vector<uint8_t> &bytes) {
  static constexpr char letters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t word = 0;
    for (size_t j = 0; j < 3; ++j)
      word = word << 8 | (j < count ? bytes[i + j] : 0);
    for (size_t j = 0; j < 4; ++j)
      text += j <= count ? letters[word >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

/// Bytes as a canvas shows them: what is from 0 to 255 or from 0 to 1 as it is,
/// everything else from its least value to its largest.
static std::vector<uint8_t> toBytes(const std::vector<double> &values) {
  auto [low, high] = std::minmax_element(values.begin(), values.end());
  double least = *low, largest = *high;
  if (least >= 0 && largest <= 255) {
    least = 0;
    largest = largest > 1 ? 255 : 1;
  }
  std::vector<uint8_t> bytes;
  for (double value : values)
    bytes.push_back(uint8_t(std::clamp(
        255 * (value - least) / std::max(largest - least, 1e-30), 0.0, 255.0)));
  return bytes;
}

/// {"height", "width", "channels", "data"}; null where the numbers are no
/// picture of this size.
static json encodePicture(const json &size, const json &values) {
  if (!size.is_object() || !values.is_array())
    return nullptr;
  int64_t count = 1;
  json picture;
  for (const char *name : {"height", "width", "channels"}) {
    constexpr int64_t most = 4096;
    auto side = size.find(name);
    if (side == size.end() || !side->is_number_integer() ||
        side->get<int64_t>() < 1 || side->get<int64_t>() > most)
      return nullptr;
    count *= side->get<int64_t>();
    picture[name] = *side;
  }
  std::vector<double> numbers;
  for (const json &value : values)
    numbers.push_back(value.is_number() ? value.get<double>() : 0);
  if (int64_t(numbers.size()) != count)
    return nullptr;
  picture["data"] = toBase64(toBytes(numbers));
  return picture;
}

static json encodeMistake(json mistake) {
  json inputs = json::array();
  for (json &input : mistake["inputs"]) {
    if (!input.is_object())
      continue;
    json picture = encodePicture(input.value("picture", json()),
                                 input.value("values", json()));
    if (!picture.is_null())
      inputs.push_back({{"input", input.value("input", json(""))},
                        {"picture", std::move(picture)}});
    else if (input.contains("values") && input["values"].size() <= 64)
      inputs.push_back(std::move(input));
  }
  mistake["inputs"] = std::move(inputs);
  return mistake;
}

static json encodeFilters(const json &sheet) {
  json pictures = json::array();
  const json filters = sheet.value("filters", json::array());
  for (const json &values : filters)
    if (pictures.size() < mostFilters)
      pictures.push_back(encodePicture(sheet.value("picture", json()), values));
  return {{"parameter", sheet.value("parameter", json(""))},
          {"pictures", std::move(pictures)}};
}

/// What `nnc explain --misclassified N --filters --out DIR` left there.
static Status readExplanations(const std::string &path, json &data) {
  json mistakes = json::array(), filters;
  Status status = readLines(path, [&](json record) {
    const json kind = record.value("kind", json());
    if (kind == "misclassified" && mistakes.size() < mostMistakes)
      mistakes.push_back(encodeMistake(std::move(record)));
    else if (kind == "filters" && filters.is_null())
      filters = encodeFilters(record);
  });
  if (!status.isOk())
    return status.code() == Code::NotFound ? Status() : status;
  if (!mistakes.empty())
    data["mistakes"] = std::move(mistakes);
  if (!filters.is_null())
    data["filters"] = std::move(filters);
  return {};
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

/// Puts what was read into the data, where there is something.
static void take(json &data, const char *name, StatusOr<json> read,
                 std::vector<std::string> &leftOut) {
  if (!read.isOk())
    leftOut.push_back(read.status().message());
  else if (!read->empty())
    data[name] = std::move(*read);
}

StatusOr<json> readRunFolder(const std::string &folder,
                             std::vector<std::string> &leftOut) {
  std::filesystem::path path(folder);
  if (!path.has_filename())
    path = path.parent_path();
  json data = {{"name", path.filename().string()},
               {"folder", folder},
               {"epochs", json::array()}};
  Status status = readLines(folder + "/log.jsonl", [&](json record) {
    if (record.contains("test_loss"))
      data["test"] = std::move(record);
    else
      data["epochs"].push_back(std::move(record));
  });
  if (!status.isOk())
    return status;
  for (const char *name : {"run", "summary", "profile"})
    take(data, name, readObject(concat(folder, "/", name, ".json")), leftOut);
  take(data, "steps", readSteps(folder + "/steps.jsonl"), leftOut);
  Status explained = readExplanations(folder + "/explain.jsonl", data);
  if (!explained.isOk())
    leftOut.push_back(explained.message());
  return data;
}

} // namespace nnc::tools
