// The passes from fused regions to scheduled kernels, in the order in which
// they run.
#ifndef NNC_CODEGEN_PASSES_TD
#define NNC_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def OutlineKernelsPass : Pass<"nnc-outline-kernels", "mlir::ModuleOp"> {
  let summary = "Turn each fused region or single op into a kernel function";
  let description = [{
    ```mlir
    func.func @predict(%x: tensor<?x4xf32>) -> tensor<?x3xf32> {
      %w = nnc.read @w : tensor<4x3xf32>
      %0 = nnc.fused %x, %w {
        %1 = nnc.matmul %x, %w
        %2 = nnc.relu %1
        nnc.yield %2
      }
      return %0
    }
    ```
    becomes
    ```mlir
    func.func @predict(%x: tensor<?x4xf32>) -> tensor<?x3xf32> {
      %w = nnc.read @w : tensor<4x3xf32>
      %0 = nnc.launch @matmul_relu_Bx3x4(%x, %w)
      return %0
    }
    func.func private @matmul_relu_Bx3x4(%batch: index, %x, %w) -> ... attributes {nnc.kernel}
    ```
    Kernels with equal bodies become one function. Splat constants move into the
    kernels that use them; other constants stay and become constants of the plan.
    `nnc.reshape` stays: it is a name for the same buffer.

    Then the launches are ordered: as in the program, but so that every reader of
    a parameter comes before the launch that computes the parameter's next value,
    which can then be written in place. A step of a loop is gone through like a
    program of its own, and stays where it is; readers of a carried value come
    before the launch of its next one.

    Functions that are `private` are left alone.
  }];
  let dependentDialects = ["mlir::func::FuncDialect"];
}

def LowerToLinalgPass : Pass<"nnc-lower-to-linalg", "mlir::ModuleOp"> {
  let summary = "Rewrite the bodies of kernels from nnc to linalg on tensors";
  let description = [{
    ```mlir
    func.func private @relu_Bx3(%batch: index, %x: tensor<?x3xf32>) -> tensor<?x3xf32>
        attributes {nnc.kernel} {
      %zero = nnc.constant dense<0.0> : tensor<f32>
      %y = nnc.maximum %x, %zero : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
      return %y
    }
    ```
    becomes
    ```mlir
    func.func private @relu_Bx3(%batch: index, %x: tensor<?x3xf32>) -> tensor<?x3xf32>
        attributes {nnc.kernel} {
      %zero = arith.constant 0.0 : f32
      %empty = tensor.empty(%batch) : tensor<?x3xf32>
      %y = linalg.generic ins(%x) outs(%empty) {
        %0 = arith.maximumf %in, %zero
        linalg.yield %0
      }
      return %y
    }
    ```
    Unsigned integers become signless, and the ops that read them choose the
    unsigned operation. f16 and bf16 are computed in f32, one rounding an op.
    Functions that are not kernels are left alone.
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
    "mlir::math::MathDialect", "mlir::scf::SCFDialect",
    "mlir::tensor::TensorDialect"
  ];
}

def JoinLaunchesPass : Pass<"nnc-join-launches", "mlir::ModuleOp"> {
  let summary = "Make one kernel of the launches of a loop's step";
  let description = [{
    For targets that can run all steps of a loop in one launch, each block with
    samples of its own, where kernels treat each sample alone and what all samples
    read, such as weights, fits into a multiprocessor's cache.

    ```mlir
    %h = nnc.scan carried(%s = %begin) over(%x_t = %x) with(%u = %w) steps = 100 {
      %0 = nnc.launch @matmul_add_Bx64x64(%s, %u, %x_t)
      %1 = nnc.launch @tanh_Bx64(%0)
      nnc.yield %1
    }
    ```
    becomes
    ```mlir
    %h = nnc.scan carried(%s = %begin) over(%x_t = %x) with(%u = %w) steps = 100 {
      %0 = nnc.launch @step_matmul_add_Bx64x64(%s, %u, %x_t)
      nnc.yield %0
    }
    ```
    Kernels that nothing launches any more are erased.
  }];
  let dependentDialects = ["mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"];
}

def ScheduleKernelsPass : Pass<"nnc-schedule-kernels", "mlir::ModuleOp"> {
  let summary = "Replace a module by the phases that its kernels run as";
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
    Option<"target", "target", "std::string", "\"cpu:x86-64-v3\"",
           "The CPU to schedule for, as `nnc compile --target` names it">,
    Option<"reference", "reference", "bool", "false",
           "Schedule every kernel as plain loops">
  ];
  let dependentDialects = [
    "mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
    "mlir::bufferization::BufferizationDialect", "mlir::memref::MemRefDialect",
    "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"
  ];
}

def PrintMemoryPlanPass : Pass<"nnc-print-memory-plan", "mlir::ModuleOp"> {
  let summary = "Print where the plan of a module of kernels keeps each value";
  let description = [{
    One line a command, with the region, the offset and the size of each buffer
    in the order of the launch's arguments, as in

    ```
    predict: arena 1024 bytes, scratch 0 bytes
      relu_Bx3.reference(input 0 + 0, arena + 0)
    ```
    The module itself is left as it is.
  }];
  let options = [
    Option<"maxBatch", "max-batch", "int64_t", "1024",
           "The largest batch that the plan will run">,
    Option<"budget", "budget", "int64_t", "0",
           "Bytes that the peak must fit into: what then runs again is added "
           "to the module; 0: any">
  ];
}

#endif // NNC_CODEGEN_PASSES_TD
