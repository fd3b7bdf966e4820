// Any bytes as a graph: a module or a message. A module is written again, read
// back to the same bytes, and goes through the passes.
#include "frontend/Frontend.h"
#include "frontend/graph/graph_generated.h"

#include "test/fuzz/CheckModule.h"
#include "test/fuzz/FlatMutator.h"
#include "test/fuzz/FuzzContext.h"
#include "test/fuzz/Require.h"
#include "test/fuzz/graph_bfbs_generated.h"

#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace nnc;

static bool verifyGraph(flatbuffers::Verifier &verifier) {
  return graph::VerifyGraphBuffer(verifier);
}

const fuzz::FlatMutator &fuzz::flatMutator() {
  static const FlatMutator mutator(graph::GraphBinarySchema::data(),
                                   verifyGraph);
  return mutator;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  MLIRContext &context = fuzz::freshContext();
  fuzz::Errors errors(&context);
  auto module = importGraph({data, size}, "input.graph", &context);
  if (!module) {
    fuzz::require(errors.count > 0, "a refused graph has a message");
    return 0;
  }
  fuzz::require(succeeded(verify(*module)), "an imported module is valid");
  auto first = exportGraph(*module);
  fuzz::require(succeeded(first), "what was imported can be exported",
                errors.last);
  auto again = importGraph(*first, "first.graph", &context);
  fuzz::require(bool(again), "what was exported can be imported", errors.last);
  auto second = exportGraph(*again);
  fuzz::require(succeeded(second) && *first == *second,
                "nothing is lost on the way");
  fuzz::checkModule(*module, errors);
  return 0;
}
