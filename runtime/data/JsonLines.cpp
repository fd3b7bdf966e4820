// Reads the members of each line's object.
#include "runtime/data/JsonLines.h"

#include "runtime/TextList.h"
#include "runtime/data/Suggestion.h"
#include "runtime/data/TableBuilder.h"
#include "runtime/data/TextLines.h"
#include "runtime/text/Json.h"

#include <cstdio>

namespace nnc::runtime {

using nlohmann::json;

namespace {
/// A member of each object, and which input takes it.
struct Field {
  std::string name;
  size_t input = 0;
  /// How many elements it has: a list, where there are several.
  int64_t count = 1;
};
} // namespace

static StatusOr<std::vector<Field>> chooseFields(const ReadRequest &request,
                                                 const TableBuilder &table) {
  std::vector<Field> fields;
  const std::string *given = request.argument("fields");
  if (!given) {
    for (size_t i = 0; i < request.inputs.size(); ++i)
      fields.push_back({request.inputs[i]->name, i, table.numFields(i)});
    return fields;
  }
  const std::vector<std::string> names = namesOf(*given);
  const bool isOneEach = names.size() == request.inputs.size();
  int64_t wanted = 0;
  for (size_t i = 0; i < request.inputs.size(); ++i)
    wanted += table.numFields(i);
  if (!isOneEach && int64_t(names.size()) != wanted)
    return Status(Code::InvalidArgument,
                  concat("jsonl: argument 'fields' has ", names.size(),
                         " names, expected one an input, ",
                         request.inputs.size(), ", or one a number, ", wanted));
  auto name = names.begin();
  for (size_t i = 0; i < request.inputs.size(); ++i)
    for (int64_t k = 0; k < (isOneEach ? 1 : table.numFields(i)); ++k)
      fields.push_back({*name++, i, isOneEach ? table.numFields(i) : 1});
  return fields;
}

/// The member of that name, or by its dots that of an object in an object; null
/// where there is none.
static const json &find(const json &object, std::string_view name) {
  const json &whole = memberOf(object, std::string(name).c_str());
  const size_t dot = name.find('.');
  if (!whole.is_null() || dot == std::string_view::npos)
    return whole;
  return find(memberOf(object, std::string(name.substr(0, dot)).c_str()),
              name.substr(dot + 1));
}

/// A value as a table would hold it; false for what is none.
static bool toField(const json &value, std::string &text) {
  text.clear();
  if (value.is_null())
    return true;
  if (const std::string *string = value.get_ptr<const std::string *>()) {
    text = *string;
    return true;
  }
  if (value.is_boolean())
    text = value.get<bool>() ? "1" : "0";
  else if (value.is_number_integer())
    text = value.dump();
  else if (value.is_number()) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.17g", value.get<double>());
    text = digits;
  }
  return !text.empty();
}

static std::vector<std::string> membersOf(const json &object) {
  std::vector<std::string> names;
  for (const auto &item : object.items())
    names.push_back(item.key());
  return names;
}

static Status addField(const json &object, const Field &field,
                       const std::string &where, TableBuilder &table) {
  const json &value = find(object, field.name);
  const std::string place = concat(where, "field ", quote(field.name), ": ");
  const bool isList = value.is_array();
  if (isList ? int64_t(value.size()) != field.count
             : field.count != 1 && !value.is_null())
    return {Code::InvalidFile,
            concat(place, "expected a list of ", field.count, ", found ",
                   isList ? concat("one of ", value.size())
                          : std::string("a single value"))};
  std::string text;
  for (int64_t i = 0; i < field.count; ++i) {
    if (!toField(isList ? value[size_t(i)] : value, text))
      return {Code::InvalidFile,
              place + "expected a number, a string, true or false"};
    Status status = table.add(field.input, text);
    if (status.isOk())
      continue;
    const bool isAbsent = text.empty() && !object.contains(field.name);
    return {status.code(),
            concat(place, status.message(),
                   isAbsent ? suggestion(field.name, membersOf(object)) : "")};
  }
  return {};
}

static Status addFile(const ReadRequest &request, const std::string &path,
                      const std::vector<Field> &fields, TableBuilder &table) {
  StatusOr<ByteStream> stream = ByteStream::open(path);
  if (!stream.isOk())
    return stream.status();
  TextLines lines(*stream, false);
  std::string line;
  while (table.numSamples() < request.mostSamples) {
    StatusOr<bool> hasLine = lines.nextLine(line);
    if (!hasLine.isOk() || !*hasLine)
      return hasLine.status();
    if (line.find_first_not_of(" \t\r") == std::string::npos)
      continue;
    StatusOr<json> object = parseJson(line, path);
    if (!object.isOk() || !object->is_object())
      return {Code::InvalidFile,
              lines.where() +
                  "expected an object of JSON, as in {\"age\": 41}"};
    for (const Field &field : fields)
      if (table.isNeeded(field.input))
        if (Status status = addField(*object, field, lines.where(), table);
            !status.isOk())
          return status;
    if (Status status = table.endRow(); !status.isOk())
      return status;
  }
  return {};
}

StatusOr<std::vector<Column>> readJsonLines(const ReadRequest &request) {
  if (Status status = request.checkArguments({"fields"}); !status.isOk())
    return status;
  TableBuilder table(request, request.isLarge());
  auto fields = chooseFields(request, table);
  if (!fields.isOk())
    return fields.status();
  for (const std::string &path : request.paths)
    if (Status status = addFile(request, path, *fields, table); !status.isOk())
      return status;
  if (table.numSamples() == 0 && request.mostSamples > 0)
    return Status(Code::InvalidFile, request.path + ": has no lines");
  return table.finish();
}

} // namespace nnc::runtime
