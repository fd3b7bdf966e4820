// Which values of an entry point are kept, and which are computed again, so
// that it fits into so much memory.
#ifndef NNC_CODEGEN_CHOOSEKEPT_H
#define NNC_CODEGEN_CHOOSEKEPT_H

#include "codegen/LaunchGraph.h"

namespace nnc {

struct Choice {
  KeptValues kept;
  Forecast forecast;
};

/// Everything is kept.
Choice keepAll(const LaunchGraph &graph);

/// Of the choices that are forecast to fit into `budgetBytes` the cheapest that
/// is found; where none is, the one that takes the least memory.
Choice chooseKept(const LaunchGraph &graph, int64_t budgetBytes);

} // namespace nnc

#endif // NNC_CODEGEN_CHOOSEKEPT_H
