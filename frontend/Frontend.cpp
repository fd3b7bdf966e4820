// From a model's source to the nnc dialect.
#include "frontend/Frontend.h"

#include "frontend/dsl/Diagnostics.h"
#include "frontend/dsl/Emit.h"
#include "frontend/dsl/Parse.h"

#include "ir/Dialect.h"
#include "ir/Text.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>

using namespace mlir;

namespace nnc {

/// The program's constant of that name; null, after an error at `loc`, if it
/// has none.
static const dsl::ConstDecl *findConstant(const dsl::Program &program,
                                          StringRef name, llvm::SMLoc loc,
                                          dsl::Diagnostics &diagnostics) {
  std::vector<StringRef> names;
  for (const dsl::ConstDecl &constant : program.constants) {
    if (constant.name.name == name)
      return &constant;
    names.push_back(constant.name.name);
  }
  diagnostics.error(loc, "the program has no constant '" + name + "'" +
                             dsl::suggestion(name, names));
  return nullptr;
}

/// NAME=VALUE as a source of its own, so that diagnostics can show it.
static void parseOverride(llvm::SourceMgr &sources, StringRef text,
                          const dsl::Program &program,
                          dsl::Diagnostics &diagnostics,
                          std::vector<dsl::Override> &overrides) {
  auto [name, value] = text.split('=');
  unsigned buffer = sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text, ("--set " + name).str()),
      llvm::SMLoc());
  text = sources.getMemoryBuffer(buffer)->getBuffer();
  std::tie(name, value) = text.split('=');
  auto loc = llvm::SMLoc::getFromPointer(text.data());
  if (name.empty() || value.empty()) {
    diagnostics.error(loc, "expected NAME=VALUE");
    return;
  }
  const dsl::ConstDecl *constant =
      findConstant(program, name, loc, diagnostics);
  if (!constant)
    return;
  // Quotes inside of a shell's quotes are asking much: a string needs none.
  bool isText = findNoText(value) == StringRef::npos;
  if (isText && llvm::isa<dsl::StringExpr>(*constant->value) &&
      !value.starts_with("\"")) {
    auto string = std::make_unique<dsl::StringExpr>(
        llvm::SMLoc::getFromPointer(value.data()));
    string->value = value.str();
    overrides.push_back({{name, loc}, std::move(string)});
    return;
  }
  if (dsl::ExpressionPtr expression = dsl::parseExpression(value, diagnostics))
    overrides.push_back({{name, loc}, std::move(expression)});
}

OwningOpRef<ModuleOp> parseModel(llvm::SourceMgr &sources, MLIRContext *context,
                                 Overrides overrides) {
  context->loadDialect<NncDialect>();
  dsl::Diagnostics diagnostics(sources, context);
  StringRef source =
      sources.getMemoryBuffer(sources.getMainFileID())->getBuffer();
  dsl::Program program = dsl::parse(source, diagnostics);
  // What was left out of a program in error would be missed everywhere.
  if (diagnostics.failed())
    return nullptr;
  std::vector<dsl::Override> parsed;
  for (const std::string &text : overrides)
    parseOverride(sources, text, program, diagnostics, parsed);
  if (diagnostics.failed())
    return nullptr;
  return dsl::emit(program, parsed, diagnostics, context);
}

std::vector<std::vector<std::string>> takeBuckets(ModuleOp module) {
  std::vector<std::vector<std::string>> buckets;
  auto list = dyn_cast_or_null<ArrayAttr>(module->removeAttr(kBucketsAttr));
  if (!list)
    return buckets;
  for (auto bucket : list.getAsRange<ArrayAttr>()) {
    buckets.emplace_back();
    for (auto value : bucket.getAsRange<StringAttr>())
      buckets.back().push_back(value.str());
  }
  return buckets;
}

//===-- Printing ---------------------------------------------------------===//

DiagnosticPrinter::DiagnosticPrinter(const llvm::SourceMgr &sources,
                                     MLIRContext *context)
    : ScopedDiagnosticHandler(context), sources(sources) {
  setHandler([this](Diagnostic &diagnostic) {
    print(diagnostic);
    for (Diagnostic &note : diagnostic.getNotes())
      print(note);
  });
}

static void printSeverity(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Error:
    llvm::WithColor::error();
    return;
  case DiagnosticSeverity::Warning:
    llvm::WithColor::warning();
    return;
  case DiagnosticSeverity::Note:
    llvm::WithColor::note();
    return;
  case DiagnosticSeverity::Remark:
    llvm::WithColor::remark();
    return;
  }
}

void DiagnosticPrinter::print(Diagnostic &diagnostic) {
  llvm::raw_ostream &os = llvm::errs();
  auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>();
  if (place) {
    os << place.getFilename().getValue();
    // Line 0 is the whole file: a graph has no lines.
    if (place.getLine() != 0)
      os << ':' << place.getLine() << ':' << place.getColumn();
    os << ": ";
  } else if (sources.getNumBuffers() > 0) {
    os << sources.getMemoryBuffer(sources.getMainFileID())
              ->getBufferIdentifier()
       << ": ";
  }
  printSeverity(diagnostic.getSeverity());
  os << dsl::inUsersTerms(diagnostic.str()) << '\n';
  if (place)
    printLine(place);
}

/// The line of `buffer` that counts from one, or nothing.
static std::optional<StringRef> findLine(StringRef buffer, unsigned number) {
  for (unsigned i = 1; i < number; ++i) {
    size_t end = buffer.find('\n');
    if (end == StringRef::npos)
      return std::nullopt;
    buffer = buffer.drop_front(end + 1);
  }
  return buffer.take_until([](char c) { return c == '\n' || c == '\r'; });
}

static bool continuesCharacter(char c) { return (c & 0xC0) == 0x80; }

/// What is shown of a line, all of it unless it is very long, around the byte
/// `column`, which becomes that of the part.
static StringRef cutLine(StringRef line, size_t &column) {
  constexpr size_t kLongest = 200, kBefore = 100;
  if (line.size() <= kLongest)
    return line;
  size_t begin = column - std::min(column, kBefore);
  size_t end = std::min(line.size(), begin + kLongest);
  while (begin < column && continuesCharacter(line[begin]))
    ++begin;
  while (end > begin && end < line.size() && continuesCharacter(line[end]))
    --end;
  column -= begin;
  return line.slice(begin, end);
}

// The line, and a caret under the place: as many columns to the right as there
// are characters before it, tabs kept.
void DiagnosticPrinter::printLine(FileLineColLoc place) {
  for (unsigned id = 1; id <= sources.getNumBuffers(); ++id) {
    const llvm::MemoryBuffer *buffer = sources.getMemoryBuffer(id);
    if (buffer->getBufferIdentifier() != place.getFilename().getValue())
      continue;
    if (isGraph(llvm::arrayRefFromStringRef(buffer->getBuffer())))
      return;
    std::optional<StringRef> line =
        findLine(buffer->getBuffer(), place.getLine());
    if (!line || place.getLine() == 0 || place.getColumn() == 0 ||
        findNoText(*line) != StringRef::npos)
      return;
    size_t column = std::min<size_t>(place.getColumn() - 1, line->size());
    StringRef shown = cutLine(*line, column);
    std::string margin;
    for (char c : shown.take_front(column))
      if (!continuesCharacter(c))
        margin += c == '\t' ? '\t' : ' ';
    llvm::errs() << shown << '\n' << margin << "^\n";
    return;
  }
}

} // namespace nnc
