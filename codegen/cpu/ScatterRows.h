// Rows of a sum by index, as the phases of both its schedules on a CPU copy and
// add them.
#ifndef NNC_CODEGEN_CPU_SCATTERROWS_H
#define NNC_CODEGEN_CPU_SCATTERROWS_H

#include "codegen/MovementAnalysis.h"
#include "codegen/cpu/CpuModel.h"
#include "codegen/cpu/CpuPhase.h"

namespace nnc {

/// Bytes that are worth handing to another thread: some microseconds' copying.
inline constexpr int64_t kScatterGrainBytes = 32 << 10;

/// A phase whose rows have `width` elements. Places are in elements of a flat
/// buffer.
class ScatterRows : public CpuPhase {
public:
  ScatterRows(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
              mlir::Operation *previous, const llvm::Twine &suffix,
              const Movement &movement, const CpuModel &model);

  mlir::Value operand(unsigned index);
  mlir::Value updates() { return operand(scatter.updates); }
  mlir::Value result();
  /// The row that index number `at` names: what is outside, the nearest.
  mlir::Value loadRow(mlir::Value at);
  /// to[at..] = 0 for `count` elements.
  void clear(mlir::Value to, mlir::Value at, mlir::Value count);
  /// to[destination..] = from[source..] for a row, and the same with +=.
  void copyRow(mlir::Value from, mlir::Value source, mlir::Value to,
               mlir::Value destination);
  void addRow(mlir::Value from, mlir::Value source, mlir::Value to,
              mlir::Value destination);

  const ScatterAdd &scatter;
  mlir::Type element;
  mlir::Value width;

private:
  void forRow(mlir::Value count,
              llvm::function_ref<void(mlir::Value, mlir::Type)> body);

  mlir::func::FuncOp kernel;
  mlir::RankedTensorType resultType;
  mlir::VectorType lanes;
};

} // namespace nnc

#endif // NNC_CODEGEN_CPU_SCATTERROWS_H
