// The passes from fused regions to scheduled kernels, in the order in which
// they run.
#ifndef NNC_CODEGEN_PASSES_TD
#define NNC_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def ScheduleKernelsPass : Pass<"nnc-schedule-kernels", "mlir::ModuleOp"> {
  let summary = "Replace each kernel by the phases that its target runs";
  let description = [{
    For reading and for tests: the compiler keeps the schedule as a structure
    beside the phases (codegen/Target.h), which this pass prints as attributes
    of theirs.

    ```mlir
    func.func private @relu_Bx3(%batch: index, %x: tensor<?x3xf32>) -> tensor<?x3xf32>
    ```
    becomes
    ```mlir
    func.func @relu_Bx3.reference(%x: memref<?xf32>, %y: memref<?xf32>, %batch: index,
        %begin: index, %end: index, %scratch: memref<?xi8>)
        attributes {nnc.kind = "reference", nnc.extent = [1, 0, 1], nnc.grain = 1,
                    nnc.buffers = ["operand 0", "result 0"]}
    ```
  }];
  let options = [
    Option<"reference", "reference", "bool", "false",
           "Schedule every kernel as plain loops">,
    Option<"maxBatch", "max-batch", "int64_t", "1024",
           "The largest batch that the plan will run">
  ];
  let dependentDialects = [
    "mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
    "mlir::bufferization::BufferizationDialect", "mlir::memref::MemRefDialect",
    "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"
  ];
}

#endif // NNC_CODEGEN_PASSES_TD
