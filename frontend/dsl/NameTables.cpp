// Blocks `weights`: how the model's weights are called in the files of others;
// an attribute of the model, listed in docs/architecture.md section 1.
#include "frontend/dsl/Emitter.h"

#include "ir/NameTables.h"

using namespace mlir;

namespace nnc::dsl {

void Emitter::emitNameTables() {
  llvm::StringMap<SMLoc> seen;
  SmallVector<Attribute> tables;
  for (const NameTableDecl &table : program.nameTables) {
    auto [first, isFirst] = seen.try_emplace(table.name.name, table.name.loc);
    if (!isFirst)
      error(table.name.loc,
            "the table of names '" + table.name.name + "' is given twice",
            Note{first->second, "first given here"});
    else if (Attribute emitted = emitNameTable(table))
      tables.push_back(emitted);
  }
  if (tables.empty())
    return;
  auto all = builder.getArrayAttr(tables);
  if (std::string problem = explainNameTables(all); !problem.empty())
    error(program.nameTables.front().name.loc, problem);
  else
    setRecipe("weight_names", all);
}

/// Null after an error.
Attribute Emitter::emitNameTable(const NameTableDecl &table) {
  SmallVector<Attribute> lines;
  for (const NameTableLine &line : table.lines) {
    std::string problem = explainNameLine(line.text);
    if (!problem.empty())
      error(line.loc, problem);
    else
      lines.push_back(builder.getStringAttr(line.text));
  }
  if (lines.size() < table.lines.size())
    return nullptr;
  return builder.getDictionaryAttr(
      {builder.getNamedAttr("name", builder.getStringAttr(table.name.name)),
       builder.getNamedAttr("lines", builder.getArrayAttr(lines))});
}

} // namespace nnc::dsl
