// Elementary functions as polynomials.
#include "codegen/cpu/MathFunctions.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"

using namespace mlir;
using namespace nnc;

void nnc::populateMathFunctionPatterns(RewritePatternSet &patterns) {
  populateMathPolynomialApproximationPatterns(patterns);
}
