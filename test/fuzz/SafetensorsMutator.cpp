// Changes the header's text, and its length with it.
#include "test/fuzz/SafetensorsMutator.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace nnc::fuzz {

using json = nlohmann::ordered_json;

namespace {
/// Of the header: a name as it is written, and what it stands for as text. Two
/// may have one name, which an object of a library's cannot.
struct Entry {
  std::string name, value;
};

struct Header {
  std::vector<Entry> entries;
  std::string data;
};
} // namespace

static constexpr size_t lengthBytes = 8;
static const std::string metadataKey = "__metadata__";

static bool read(const std::string &file, Header &header) {
  uint64_t length = 0;
  for (size_t i = 0; i < lengthBytes && i < file.size(); ++i)
    length |= uint64_t(uint8_t(file[i])) << 8 * i;
  if (file.size() < lengthBytes || length > file.size() - lengthBytes)
    return false;
  json object = json::parse(file.substr(lengthBytes, length), nullptr,
                            /*allow_exceptions=*/false);
  if (!object.is_object() || object.empty())
    return false;
  for (const auto &[name, value] : object.items())
    header.entries.push_back({name, value.dump()});
  header.data = file.substr(lengthBytes + length);
  return true;
}

/// Escapes no more than it must: other bytes are for the reader to refuse.
static std::string quoted(const std::string &text) {
  std::string out = "\"";
  for (char c : text)
    out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
  return out + '"';
}

static std::string write(const Header &header, Choices &choices) {
  std::string text = "{";
  for (const Entry &entry : header.entries)
    text +=
        (text.size() > 1 ? "," : "") + quoted(entry.name) + ":" + entry.value;
  text += "}";
  while (choices.oneIn(4))
    text += choices.below(2) ? " " : "\n";
  std::string file;
  const uint64_t length = choices.oneIn(32)
                              ? uint64_t(choices.integer(int64_t(text.size())))
                              : text.size();
  for (size_t i = 0; i < lengthBytes; ++i)
    file += char(length >> 8 * i);
  return file + text + header.data;
}

static json changeShape(const json &before, Choices &choices) {
  json shape = before.is_array() ? before : json::array();
  const size_t at = shape.empty() ? 0 : choices.below(shape.size());
  switch (shape.empty() ? 0 : choices.below(4)) {
  case 0:
    shape.insert(shape.begin() + at, choices.count(100), choices.below(3));
    break;
  case 1:
    shape.erase(at);
    break;
  case 2:
    std::swap(shape[at], shape[0]);
    break;
  default:
    shape[at] = choices.integer(
        shape[at].is_number_integer() ? shape[at].get<int64_t>() : 1);
  }
  return shape;
}

static void changeTensor(json &tensor, Choices &choices) {
  static const std::vector<std::string> types = {
      "F32", "F64", "F16",     "BF16", "I32", "I64", "U8", "BOOL", "U32",
      "I8",  "I16", "F8_E4M3", "F4",   "C64", "f32", "",   "U64",  "U16"};
  json &offsets = tensor["data_offsets"];
  switch (choices.below(6)) {
  case 0:
    tensor["dtype"] = choices.of(types);
    return;
  case 1:
    tensor["shape"] = changeShape(tensor["shape"], choices);
    return;
  case 2:
    if (offsets.is_array() && !offsets.empty()) {
      json &offset = offsets[choices.below(offsets.size())];
      offset = choices.integer(
          offset.is_number_integer() ? offset.get<int64_t>() : 0);
    }
    return;
  case 3:
    tensor.erase(std::next(tensor.begin(), choices.below(tensor.size())));
    return;
  case 4:
    tensor["dtype_"] = nullptr;
    return;
  default:
    tensor[choices.below(2) ? "shape" : "data_offsets"] = 1e300;
  }
}

static void changeEntry(Header &header, Choices &choices) {
  std::vector<Entry> &entries = header.entries;
  const size_t at = choices.below(entries.size());
  Entry &entry = entries[at];
  json value = json::parse(entry.value, nullptr, false);
  switch (choices.below(8)) {
  case 0:
    entry.name = choices.text(entry.name, 1 << 14);
    return;
  case 1:
    entry.name = std::string(choices.of(entries).name);
    return;
  case 2:
    entries.insert(entries.begin() + at, choices.count(500), Entry(entry));
    return;
  case 3:
    if (entries.size() > 1)
      entries.erase(entries.begin() + at);
    return;
  case 4:
    entry.value = choices.text(entry.value, 1 << 14);
    return;
  case 5:
    entries.push_back(
        {metadataKey, "{" + quoted(choices.text("nnc.file", 999)) + ":" +
                          quoted(choices.text("x", 999)) + "}"});
    return;
  default:
    if (value.is_object() && !value.empty() && entry.name != metadataKey) {
      changeTensor(value, choices);
      entry.value = value.dump(-1, ' ', false, json::error_handler_t::replace);
    }
  }
}

std::string mutateSafetensors(const std::string &file, size_t maxSize,
                              Choices &choices) {
  Header header;
  if (!read(file, header))
    return {};
  if (choices.oneIn(4))
    header.data = choices.bytes(header.data, header.data.size() + 64);
  else
    changeEntry(header, choices);
  std::string changed = write(header, choices);
  return changed.size() > maxSize ? std::string() : changed;
}

} // namespace nnc::fuzz
