// Any text as a program of the language: a module or a message. A module is the
// same after it has been a graph, and goes through the passes.
#include "frontend/Frontend.h"

#include "test/fuzz/CheckModule.h"
#include "test/fuzz/FuzzContext.h"
#include "test/fuzz/Require.h"
#include "test/fuzz/TextMutator.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace nnc;

static std::string print(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  OpPrintingFlags flags;
  flags.enableDebugInfo();
  module.print(os, flags);
  return text;
}

/// Names of everything that a program may call, and the language's own words.
static std::vector<std::string> wordsOfPrograms() {
  std::vector<std::string> words = {
      "and",      "as",     "const", "else",       "false",     "fn",
      "for",      "if",     "in",    "model",      "not",       "or",
      "param",    "return", "true",  "with",       "loss",      "metric",
      "output",   "data",   "train", "test",       "training",  "optimizer",
      "batch",    "epochs", "seed",  "validation", "clip_norm", "clip_value",
      "schedule", "freeze", "grad",  "precision",  "csv",       "npy",
      "idx",      "npz",    "f32",   "f64",        "f16",       "bf16",
      "i32",      "i64",    "u8",    "bool",       "u32",       "he_normal",
      "x",        "y",      "**",    "..",         "==",        "0",
      "-1",       "1e39",   "65536", "[]",         "_",         "\n"};
  MLIRContext &context = fuzz::freshContext();
  for (RegisteredOperationName name :
       context.getRegisteredOperationsByDialect("nnc"))
    words.push_back(name.stripDialect().str());
  return words;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  static const fuzz::TextMutator mutator(wordsOfPrograms());
  return mutator.mutate(data, size, maxSize, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  MLIRContext &context = fuzz::freshContext();
  fuzz::Errors errors(&context);
  llvm::SourceMgr sources;
  llvm::StringRef text(reinterpret_cast<const char *>(data), size);
  sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text, "input.nn"), llvm::SMLoc());
  auto module = parseModel(sources, &context);
  if (!module) {
    fuzz::require(errors.count > 0, "a refused program has a message");
    return 0;
  }
  auto bytes = exportGraph(*module);
  fuzz::require(succeeded(bytes), "every program is a graph", errors.last);
  auto again = importGraph(*bytes, "input.graph", &context);
  fuzz::require(bool(again), "the graph of a program can be read", errors.last);
  fuzz::require(print(*module) == print(*again), "nothing is lost on the way");
  fuzz::checkModule(*module, errors);
  return 0;
}
