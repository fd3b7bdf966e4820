// An entry point as launches over values, and what it takes of memory and time
// where some of its values are computed again: counted, without any IR made.
#ifndef NNC_CODEGEN_LAUNCHGRAPH_H
#define NNC_CODEGEN_LAUNCHGRAPH_H

#include "codegen/ScheduleKernels.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/BitVector.h"

#include <cstdint>
#include <vector>

namespace nnc {

/// A launch's work at the largest batch.
struct LaunchWork {
  double flop = 0, trafficBytes = 0;

  /// In operations, with what memory costs counted as so many of them: a
  /// machine does about 16 while it moves a byte (two cores with AVX-512 and
  /// 25 GB/s, a GPU with 60 TFLOP/s and 3.3 TB/s).
  double cost() const { return flop + 16 * trafficBytes; }
};

/// Launches, or values that they compute, are numbers in their order.
class LaunchGraph {
public:
  /// A result of a launch.
  struct Value {
    mlir::Value value;
    unsigned launch = 0;
    /// At the largest batch; what may come to lie where a parameter does too.
    int64_t sizeBytes = 0;
    /// Launches that read it, in their order.
    llvm::SmallVector<unsigned, 4> users;
    /// It is an output, or read by what follows the last launch.
    bool isReadAtEnd = false;
    /// The parameter whose next value it is, written where that one lies: a
    /// place in `parameters`.
    std::optional<unsigned> parameter;
  };

  /// Of a kernel, or a loop over them.
  struct Launch {
    mlir::Operation *op = nullptr;
    /// Values of launches, and parameters, that it reads.
    llvm::SmallVector<unsigned, 4> values, parameters;
    unsigned firstResult = 0, numResults = 0;
    int64_t workspaceBytes = 0;
    LaunchWork work;
  };

  /// Of the function's block, of which time is what the memory plan counts.
  static LaunchGraph of(mlir::func::FuncOp function, const Schedule &schedule,
                        int64_t maxBatch);

  std::vector<Launch> launches;
  std::vector<Value> values;
  unsigned numParameters = 0;
  /// The launches that the loss is computed by, one bit a launch: all others
  /// may read what is computed again. Without a loss, those before the most is
  /// alive.
  llvm::BitVector isOnWayThere;

  bool isOfWayThere(const Value &value) const {
    return isOnWayThere[value.launch];
  }
  /// Whether the way back reads it.
  bool isSaved(const Value &value) const {
    return llvm::any_of(value.users,
                        [&](unsigned user) { return !isOnWayThere[user]; });
  }
  /// Whether it may be computed again: by a launch of the way there.
  bool canRepeat(const Value &value) const;
};

/// Which values of the way there are kept until their last reader, one bit a
/// value; all others are computed again where a launch of the way back, or one
/// that is repeated for it, reads them.
using KeptValues = llvm::BitVector;

/// A launch where it runs: as written, or again.
struct OrderedLaunch {
  unsigned launch;
  bool isAgain;
};

/// Repeated launches stand before the first that reads them, each once.
std::vector<OrderedLaunch> orderLaunches(const LaunchGraph &graph,
                                         const KeptValues &kept);

/// What an order takes: bytes of the arena at their most, were it not for gaps
/// between buffers, and the work of what is repeated.
struct Forecast {
  int64_t peakBytes = 0;
  LaunchWork again;
};

Forecast forecast(const LaunchGraph &graph, const KeptValues &kept);

} // namespace nnc

#endif // NNC_CODEGEN_LAUNCHGRAPH_H
