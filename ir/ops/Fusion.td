// Fused regions, and the launches of the kernels that they become.
#ifndef NNC_OPS_FUSION_TD
#define NNC_OPS_FUSION_TD

include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "ir/Dialect.td"
include "ir/Types.td"

def FusedOp : Op<Nnc_Dialect, "fused", [
    Pure, IsolatedFromAbove, SingleBlockImplicitTerminator<"YieldOp">, OpAsmOpInterface]> {
  let summary = "Ops that become one kernel";
  let description = [{
    The region computes the results from its arguments, which are the operands.
    `kind` says which emitter it is meant for; docs/architecture.md section 3
    lists the kinds and what each may hold.

    ```mlir
    // x: [1.0, 2.0], y: [10.0, 20.0]
    %r = nnc.fused "rows" (%a = %x, %b = %y) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32> {
      %0 = nnc.add %a, %b : tensor<2xf32>
      %1 = nnc.neg %0 : tensor<2xf32>
      nnc.yield %1 : tensor<2xf32>
    }
    // r: [-11.0, -22.0]
    ```
  }];
  let arguments = (ins StrAttr:$kind, Variadic<Nnc_Tensor>:$inputs);
  let results = (outs Variadic<Nnc_Tensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def YieldOp : Op<Nnc_Dialect, "yield", [
    Pure, Terminator, ReturnLike, ParentOneOf<["FusedOp", "ScanOp"]>]> {
  let summary = "What the region around it gives";
  let description = [{
    ```mlir
    nnc.yield %sum : tensor<2xf32>
    ```
  }];
  let arguments = (ins Variadic<Nnc_Tensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins)>];
}

def LaunchOp : Op<Nnc_Dialect, "launch", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "One run of a kernel";
  let description = [{
    The kernel is a function with the attribute `nnc.kernel`, whose arguments are
    the operands, after the batch if it takes an index first.

    ```mlir
    %y = nnc.launch @matmul_0(%x, %w) : (tensor<?x784xf32>, tensor<784x10xf32>) -> tensor<?x10xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<Nnc_Tensor>:$inputs);
  let results = (outs Variadic<Nnc_Tensor>:$results);
  let assemblyFormat = "$kernel `(` $inputs `)` attr-dict `:` functional-type($inputs, results)";
}

#endif // NNC_OPS_FUSION_TD
