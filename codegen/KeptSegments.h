// The way there of an entry point cut into segments: what crosses a cut is
// kept, and what lies between two is computed again, a segment at a time.
#ifndef NNC_CODEGEN_KEPTSEGMENTS_H
#define NNC_CODEGEN_KEPTSEGMENTS_H

#include "codegen/LaunchGraph.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace nnc {

/// Segments that take no more than some bytes, with as little kept between them
/// as can be. The classic cut of a chain of n equal layers, in which what is
/// kept and what a segment takes are sqrt(n) layers each (Chen, Xu, Zhang and
/// Guestrin 2016, arXiv:1604.06174), comes out where bytes say so.
class KeptSegments {
public:
  /// `fixed` are kept in any case.
  KeptSegments(const LaunchGraph &graph, const KeptValues &fixed);

  /// Of one segment.
  int64_t totalBytes() const;
  /// What is kept where a segment has at most `mostBytes`, or one step between
  /// neighbouring places for a cut.
  KeptValues choose(int64_t mostBytes) const;

private:
  void findCuts();
  void measure();
  unsigned stepOf(unsigned launch) const;
  int64_t &at(std::vector<int64_t> &matrix, unsigned from, unsigned to) {
    return matrix[from * (cuts.size() + 2) + to];
  }
  int64_t at(const std::vector<int64_t> &matrix, unsigned from,
             unsigned to) const {
    return matrix[from * (cuts.size() + 2) + to];
  }

  const LaunchGraph &graph;
  const KeptValues &fixed;
  /// The last launch on the way there that reads each value.
  std::vector<unsigned> lastReads;
  /// Launches behind which a cut may be, in their order. Cut 0 is the
  /// beginning, cut i + 1 behind cuts[i], and the last one is the end.
  std::vector<unsigned> cuts;
  /// From one cut to another: what crosses the second and not the first, and
  /// what the segment between them holds once it is computed again.
  std::vector<int64_t> crossing, held;
};

} // namespace nnc

#endif // NNC_CODEGEN_KEPTSEGMENTS_H
