// A factor of a contraction as windows read it: an image within zeros.
#ifndef NNC_CODEGEN_CPU_PADDEDFACTOR_H
#define NNC_CODEGEN_CPU_PADDEDFACTOR_H

#include "codegen/ContractionAnalysis.h"
#include "codegen/cpu/ContractionPhase.h"

#include <map>
#include <vector>

namespace nnc {

/// What `factor` is within its bounds, beyond which it is zero. Null after a
/// reason where it has another padding, or is computed of something padded.
const Element *imageWithinZeros(const Element *factor, Refusal &refusal);

/// What `element` steps by along each axis, in all that it is made of. It is
/// the same where all of them are.
using Steps = llvm::SmallVector<llvm::ArrayRef<BatchSize>>;
void collectSteps(const Element *element, Steps &steps);

/// Element `factor` as `lanes` of the contraction's type.
mlir::Value emitFactor(ContractionPhase &phase, const Contraction &contraction,
                       const Element *factor, const Point &point);

/// Elements of a factor near a point, each read once however it is asked for.
class NearbyFactors {
public:
  NearbyFactors(ContractionPhase &phase, const Contraction &contraction,
                const Element *factor, Point origin)
      : phase(phase), contraction(contraction), factor(factor),
        origin(std::move(origin)) {
    collectSteps(factor, steps);
  }

  /// The element so many steps along some axes from the origin.
  using Move = std::pair<unsigned, int64_t>;
  mlir::Value at(llvm::ArrayRef<Move> moves);

private:
  ContractionPhase &phase;
  const Contraction &contraction;
  const Element *factor;
  Point origin;
  Steps steps;
  std::map<std::vector<std::pair<int64_t, int64_t>>, mlir::Value> known;
};

} // namespace nnc

#endif // NNC_CODEGEN_CPU_PADDEDFACTOR_H
