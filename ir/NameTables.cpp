// Checks tables of names, line by line.
#include "ir/NameTables.h"

#include "runtime/WeightNames.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace nnc {

std::string explainNameLine(StringRef text) {
  runtime::NameLine line;
  return runtime::readNameLine({text.data(), text.size()}, line);
}

static std::string foundOf(Attribute value) {
  std::string text = ", found ";
  llvm::raw_string_ostream os(text);
  os << value;
  return text;
}

/// `names` has those of the tables before.
static std::string explainTable(Attribute value, llvm::StringSet<> &names) {
  auto table = dyn_cast<DictionaryAttr>(value);
  auto name = table ? table.getAs<StringAttr>("name") : StringAttr();
  auto lines = table ? table.getAs<ArrayAttr>("lines") : ArrayAttr();
  if (!name || name.getValue().empty() || !lines || table.size() != 2 ||
      !llvm::all_of(lines, llvm::IsaPred<StringAttr>))
    return "a table of names has a 'name' and 'lines', which are strings" +
           foundOf(value);
  if (!names.insert(name).second)
    return ("there are two tables of names '" + name.getValue() + "'").str();
  const std::string where =
      ("table of names '" + name.getValue() + "': ").str();
  if (lines.size() > runtime::mostNameLines)
    return where + "expected at most " +
           std::to_string(runtime::mostNameLines) + " lines, found " +
           std::to_string(lines.size());
  for (auto line : lines.getAsRange<StringAttr>())
    if (std::string problem = explainNameLine(line); !problem.empty())
      return where + problem;
  return "";
}

std::string explainNameTables(Attribute value) {
  auto tables = dyn_cast<ArrayAttr>(value);
  if (!tables)
    return "'weight_names' must be a list of tables of names" + foundOf(value);
  if (tables.size() > runtime::mostNameTables)
    return "'weight_names' must have at most " +
           std::to_string(runtime::mostNameTables) + " tables, found " +
           std::to_string(tables.size());
  llvm::StringSet<> names;
  for (Attribute table : tables)
    if (std::string problem = explainTable(table, names); !problem.empty())
      return problem;
  return "";
}

} // namespace nnc
