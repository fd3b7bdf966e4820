// Errors with places in a model's source.
#include "frontend/dsl/Diagnostics.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace nnc::dsl {

Diagnostics::Diagnostics(const llvm::SourceMgr &sources, MLIRContext *context)
    : sources(sources), context(context) {}

FileLineColLoc Diagnostics::location(llvm::SMLoc loc) const {
  unsigned buffer = loc.isValid() ? sources.FindBufferContainingLoc(loc) : 0;
  if (buffer == 0)
    return FileLineColLoc::get(context, "<command line>", 0, 0);
  const llvm::MemoryBuffer *file = sources.getMemoryBuffer(buffer);
  std::vector<const char *> &starts = lineStarts[buffer];
  if (starts.empty()) {
    starts.push_back(file->getBufferStart());
    for (const char &c : file->getBuffer())
      if (c == '\n')
        starts.push_back(&c + 1);
  }
  auto next = llvm::upper_bound(starts, loc.getPointer());
  return FileLineColLoc::get(context, file->getBufferIdentifier(),
                             next - starts.begin(),
                             loc.getPointer() - *std::prev(next) + 1);
}

bool Diagnostics::isNew(llvm::SMLoc loc, const std::string &message) {
  std::string key =
      std::to_string(reinterpret_cast<uintptr_t>(loc.getPointer())) + message;
  return reported.insert(key).second;
}

void Diagnostics::report(DiagnosticSeverity severity, llvm::SMLoc loc,
                         const std::string &message, ArrayRef<Note> notes) {
  InFlightDiagnostic diagnostic =
      context->getDiagEngine().emit(location(loc), severity);
  diagnostic << message;
  for (const Note &note : notes)
    diagnostic.attachNote(location(note.loc)) << note.text;
}

void Diagnostics::error(llvm::SMLoc loc, const llvm::Twine &message,
                        ArrayRef<Note> notes) {
  std::string text = message.str();
  if (full() || !isNew(loc, text))
    return;
  report(DiagnosticSeverity::Error, loc, text, notes);
  if (++errorCount == kMaxErrors)
    report(DiagnosticSeverity::Error, loc, "too many errors; stopping here",
           {});
}

void Diagnostics::warning(llvm::SMLoc loc, const llvm::Twine &message,
                          ArrayRef<Note> notes) {
  std::string text = message.str();
  if (warningCount == kMaxWarnings || !isNew(loc, text))
    return;
  report(DiagnosticSeverity::Warning, loc, text, notes);
  if (++warningCount == kMaxWarnings)
    report(DiagnosticSeverity::Warning, loc,
           "too many warnings; further ones are not shown", {});
}

StringRef nearestName(StringRef name, ArrayRef<StringRef> candidates) {
  // A distance costs as much as the product of the lengths.
  constexpr size_t kLongest = 64, kMostCandidates = 4096;
  if (name.size() > kLongest)
    return "";
  // A third of the letters may be wrong, and two that changed places count as
  // two: "widht" finds "width", "x" finds nothing.
  unsigned allowed = name.size() < 4 ? 1 : std::max<size_t>(2, name.size() / 3);
  unsigned bestDistance = allowed + 1;
  StringRef best;
  for (StringRef candidate : candidates.take_front(kMostCandidates)) {
    if (candidate.size() > kLongest)
      continue;
    unsigned distance = candidate.edit_distance_insensitive(name);
    // One letter names are all within one letter of each other.
    if (distance * 2 > candidate.size() || distance >= bestDistance)
      continue;
    bestDistance = distance;
    best = candidate;
  }
  return best;
}

std::string suggestion(StringRef name, ArrayRef<StringRef> candidates) {
  StringRef nearest = nearestName(name, candidates);
  return nearest.empty() ? "" : ("; did you mean '" + nearest + "'?").str();
}

//===-- The dialect's words ----------------------------------------------===//

namespace {
struct Wording {
  StringRef upstream, ours;
};
} // namespace

// What MLIR's verifiers say of types and operands.
static constexpr Wording kWordings[] = {
    {"16-bit float", "f16"},
    {"bfloat16 type", "bf16"},
    {"32-bit float", "f32"},
    {"64-bit float", "f64"},
    {"1-bit signless integer", "bool"},
    {"8-bit unsigned integer", "u8"},
    {"32-bit unsigned integer", "u32"},
    {"32-bit signless integer", "i32"},
    {"64-bit signless integer", "i64"},
    {" must be tensor of ", " must be a tensor of "},
    {" must be scalar tensor of ", " must be a scalar of "},
    {" values, but got ", ", found "},
};

static void replaceAll(std::string &text, StringRef from, StringRef to) {
  for (size_t i = text.find(from); i != std::string::npos;
       i = text.find(from, i + to.size()))
    text.replace(i, from.size(), to.str());
}

/// Takes `tensor<?x4xf32>` off the front of `text`, and gives it as programs
/// spell it: `f32[batch, 4]`. Nothing, and `text` as it was, if none is there.
static std::string takeTensorType(StringRef &text) {
  StringRef rest = text;
  if (!rest.consume_front("tensor<"))
    return "";
  std::string shape;
  while (true) {
    StringRef size = rest.take_while(llvm::isDigit);
    bool isBatch = size.empty() && rest.starts_with("?");
    size_t length = isBatch ? 1 : size.size();
    if (length == 0 || !rest.drop_front(length).starts_with("x"))
      break;
    shape += (shape.empty() ? "" : ", ") + (isBatch ? "batch" : size.str());
    rest = rest.drop_front(length + 1);
  }
  StringRef element = rest.take_while(llvm::isAlnum);
  rest = rest.drop_front(element.size());
  if (element.empty() || !rest.consume_front(">"))
    return "";
  text = rest;
  element = element == "i1" ? "bool" : element == "ui8" ? "u8" : element;
  return element.str() + (shape.empty() ? "" : "[" + shape + "]");
}

/// Types as programs spell them, without the quotes around one.
static std::string spellTypes(StringRef message) {
  std::string text;
  while (!message.empty()) {
    StringRef rest = message;
    bool isQuoted = rest.consume_front("'");
    std::string type = takeTensorType(rest);
    if (!type.empty() && (!isQuoted || rest.consume_front("'"))) {
      text += type;
      message = rest;
    } else {
      text += message.front();
      message = message.drop_front();
    }
  }
  return text;
}

std::string inUsersTerms(const std::string &message) {
  std::string text = spellTypes(message);
  for (const Wording &wording : kWordings)
    replaceAll(text, wording.upstream, wording.ours);
  StringRef rest = text;
  if (!rest.consume_front("'") || !rest.contains('\''))
    return text;
  auto [name, tail] = rest.split('\'');
  if (tail.starts_with(" op "))
    tail = tail.drop_front(3);
  name.consume_front("nnc.");
  return ("'" + name + "'" + tail).str();
}

} // namespace nnc::dsl
