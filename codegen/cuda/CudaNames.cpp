// See CudaNames.h.
#include "codegen/cuda/CudaNames.h"

#include "codegen/GeneratedText.h"
#include "codegen/cuda/CudaScalars.h"
#include "codegen/cuda/EmitCuda.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

#include <algorithm>

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Names that mean something already
//===----------------------------------------------------------------------===//

/// Words of C++17, and names that compilers give beside those of the prelude.
static constexpr StringRef kWords[] = {
    "alignas",  "alignof",      "and",       "and_eq",    "asm",
    "auto",     "bitand",       "bitor",     "bool",      "break",
    "case",     "catch",        "char",      "char16_t",  "char32_t",
    "class",    "compl",        "const",     "constexpr", "const_cast",
    "continue", "decltype",     "default",   "delete",    "do",
    "double",   "dynamic_cast", "else",      "enum",      "explicit",
    "export",   "extern",       "false",     "float",     "for",
    "friend",   "goto",         "if",        "inline",    "int",
    "long",     "mutable",      "namespace", "new",       "noexcept",
    "not",      "not_eq",       "nullptr",   "operator",  "or",
    "or_eq",    "private",      "protected", "public",    "register",
    "return",   "short",        "signed",    "sizeof",    "static",
    "struct",   "switch",       "template",  "this",      "thread_local",
    "throw",    "true",         "try",       "typedef",   "typeid",
    "typename", "union",        "unsigned",  "using",     "virtual",
    "void",     "volatile",     "wchar_t",   "while",     "xor",
    "xor_eq",   "abs",          "min",       "max",       "threadIdx",
    "blockIdx", "blockDim",     "gridDim",   "warpSize",  "linux",
    "unix"};

/// What the prelude declares or calls: whatever it writes before a parenthesis
/// or angle bracket, and its types.
static llvm::StringSet<> namesOfPrelude() {
  llvm::StringSet<> names;
  for (StringRef line : llvm::split(cudaPrelude(), '\n')) {
    line = line.split("//").first;
    StringRef previous;
    while (!line.empty()) {
      StringRef word =
          line.take_while([](char c) { return llvm::isAlnum(c) || c == '_'; });
      line = line.drop_front(std::max<size_t>(word.size(), 1));
      if (word.empty())
        continue;
      if (line.starts_with("(") || line.starts_with("<") ||
          previous == "using" || previous == "struct")
        names.insert(word);
      previous = word;
    }
  }
  return names;
}

bool nnc::isReservedInCuda(StringRef name) {
  static const llvm::StringSet<> prelude = namesOfPrelude();
  static const llvm::DenseSet<StringRef> words(std::begin(kWords),
                                               std::end(kWords));
  return words.contains(name) || prelude.contains(name) ||
         isMathFunction(name) ||
         (name.ends_with("f") && isMathFunction(name.drop_back()));
}

std::string nnc::toCudaName(StringRef wanted) {
  std::string name = toIdentifier(wanted);
  auto isSecond = [](char a, char b) { return a == '_' && b == '_'; };
  name.erase(std::unique(name.begin(), name.end(), isSecond), name.end());
  name.erase(0, name.find_first_not_of('_'));
  // The simulator's own names begin so.
  bool isOurs = StringRef(name).starts_with_insensitive("nnc");
  return isIdentifier(name) && !isOurs ? name : "value" + name;
}

//===----------------------------------------------------------------------===//
// What to call a value
//===----------------------------------------------------------------------===//

std::string nnc::nameOf(Location loc) {
  auto named = dyn_cast<NameLoc>(loc);
  return named ? named.getName().str() : "";
}

std::string nnc::describeOp(Operation *op) {
  StringRef mnemonic = op->getName().stripDialect();
  if (op->getNumResults() == 1 &&
      getElementTypeOrSelf(op->getResult(0).getType()).isInteger(1))
    return "is";
  static const std::pair<StringRef, StringRef> names[] = {
      {"addf", "sum"},         {"addi", "sum"},        {"subf", "difference"},
      {"subi", "difference"},  {"mulf", "product"},    {"muli", "product"},
      {"divf", "quotient"},    {"divsi", "quotient"},  {"divui", "quotient"},
      {"remsi", "remainder"},  {"remui", "remainder"}, {"negf", "negative"},
      {"maximumf", "largest"}, {"maxnumf", "largest"}, {"minimumf", "smallest"},
      {"minnumf", "smallest"}, {"cmpf", "is"},         {"cmpi", "is"},
      {"select", "chosen"},    {"if", "chosen"},       {"block_id", "block"},
      {"thread_id", "thread"}, {"shuffle", "other"},   {"andi", "bits"},
      {"ori", "bits"},         {"xori", "bits"},       {"shli", "shifted"},
      {"shrui", "shifted"},    {"shrsi", "shifted"},   {"extf", "value"},
      {"truncf", "value"},     {"sitofp", "value"},    {"uitofp", "value"},
      {"minui", "least"},      {"minsi", "least"},     {"maxui", "most"},
      {"maxsi", "most"},       {"extui", "value"},     {"extsi", "value"},
      {"trunci", "value"},     {"fptosi", "value"},    {"fptoui", "value"},
      {"index_cast", "index"}, {"call", "result"},     {"while", "result"},
      {"extract", "lane"},     {"reduction", "sum"},   {"broadcast", "each"}};
  for (auto [known, name] : names)
    if (mnemonic == known)
      return name.str();
  return mnemonic.str();
}

std::string nnc::describeCarried(Value yielded) {
  Operation *op = yielded.getDefiningOp();
  if (auto loop = dyn_cast_or_null<scf::ForOp>(op))
    return describeCarried(
        loop.getYieldedValues()[cast<OpResult>(yielded).getResultNumber()]);
  return op ? describeOp(op) : "carried";
}
