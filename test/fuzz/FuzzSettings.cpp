// Any lines as the `--set`s of a program: a module or a message. A module goes
// through the passes.
#include "frontend/Frontend.h"

#include "test/fuzz/CheckModule.h"
#include "test/fuzz/FuzzContext.h"
#include "test/fuzz/Require.h"
#include "test/fuzz/TextMutator.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace nnc;

/// Consts of each kind, each where it matters.
static const char *const kProgram = R"(
const width = 4, rate = 0.1, deep = true, file = "d.csv", sizes = [2, 3]
const layers = 2
model settings(x: f32[batch, width], y: f32[batch]) {
  for i in 0..layers { x = dense(x, sizes[i]) }
  if deep { x = dropout(relu(x), rate) }
  loss mse(dense(x, 1), y)
}
training {
  optimizer adam(rate)
}
data { train x, y = csv(file) }
)";

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  static const fuzz::TextMutator mutator(
      {"width", "rate", "deep", "file", "sizes", "layers", "=", "0", "-1",
       "1e39", "true", "\"x\"", "[", "]", "[1, 2]", "..", "\n", "//",
       "9223372036854775807"});
  return mutator.mutate(data, size, maxSize, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  MLIRContext &context = fuzz::freshContext();
  fuzz::Errors errors(&context);
  llvm::StringRef text(reinterpret_cast<const char *>(data), size);
  std::vector<std::string> settings;
  for (llvm::StringRef line : llvm::split(text, '\n'))
    if (!line.empty())
      settings.push_back(line.str());
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBuffer(kProgram, "settings.nn"), llvm::SMLoc());
  auto module = parseModel(sources, &context, settings);
  if (!module) {
    fuzz::require(errors.count > 0, "a refused setting has a message");
    return 0;
  }
  fuzz::checkModule(*module, errors);
  return 0;
}
