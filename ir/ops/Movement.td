// Ops that put elements elsewhere without changing them.
#ifndef NNC_OPS_MOVEMENT_TD
#define NNC_OPS_MOVEMENT_TD

include "ir/Dialect.td"
include "ir/Types.td"

class Nnc_Movement<string mnemonic, list<Trait> traits = []>
    : Nnc_Op<mnemonic, traits # [Nnc_MovesElements]> {
  let results = (outs Nnc_Tensor:$y);
}

def ReshapeOp : Nnc_Movement<"reshape"> {
  let summary = "The same elements in another shape";
  let description = [{
    y = x in row-major order with dimensions `shape`, in which -1 is the batch.

    dx = dy in the shape of x.

    ```mlir
    // x: [[1.0, 2.0], [3.0, 4.0]]
    %y = nnc.reshape %x shape = [4] : (tensor<2x2xf32>) -> tensor<4xf32>
    // y: [1.0, 2.0, 3.0, 4.0]
    ```
  }];
  let arguments = (ins Nnc_Tensor:$x, DenseI64ArrayAttr:$shape);
  let resultTypes = ["inferReshape(site, x, adaptor.getShape())"];
  let gradient = ["reshape(dy, x.dims())"];
  let hasFolder = 1;
  let precision = "Follow";
}

def TransposeOp : Nnc_Movement<"transpose"> {
  let summary = "Dimensions in another order";
  let description = [{
    Dimension i of y is dimension permutation[i] of x. Without a permutation the
    last two dimensions are swapped.

    dx = dy, with the inverse permutation.

    ```mlir
    // x: [[1.0, 2.0], [3.0, 4.0]]
    %y = nnc.transpose %x permutation = [1, 0] : tensor<2x2xf32>
    // y: [[1.0, 3.0], [2.0, 4.0]]
    ```
  }];
  let arguments = (ins Nnc_Tensor:$x, DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$permutation);
  let resultTypes = ["inferTranspose(site, x, adaptor.getPermutation())"];
  let gradient = ["transpose(dy, invertPermutation(getResolvedPermutation()))"];
  let hasFolder = 1;
  let extraClassDeclaration = [{
    /// The permutation, that of the default included.
    ::llvm::SmallVector<int64_t> getResolvedPermutation() {
      return ::nnc::resolvePermutation(getX().getType().getRank(), getPermutation());
    }
  }];
  let precision = "Follow";
}

def BroadcastOp : Nnc_Movement<"broadcast", [Nnc_Positional]> {
  let summary = "Repeated to a larger shape";
  let description = [{
    y = x repeated along dimensions of size 1 and new leading dimensions, to
    `shape`, in which -1 is the batch.

    dx = dy, summed over what was repeated.

    ```mlir
    // x: [[1.0], [2.0]]
    %y = nnc.broadcast %x shape = [2, 2] : (tensor<2x1xf32>) -> tensor<2x2xf32>
    // y: [[1.0, 1.0], [2.0, 2.0]]
    ```
  }];
  let arguments = (ins Nnc_Tensor:$x, DenseI64ArrayAttr:$shape);
  let resultTypes = ["inferBroadcastTo(site, x, adaptor.getShape())"];
  let gradient = ["dy"];
  let hasFolder = 1;
  let precision = "Follow";
}

def SliceOp : Nnc_Movement<"slice"> {
  let summary = "A part";
  let description = [{
    y[i] = x[start + i * stride] in each dimension, for i below its size.
    Strides are 1 where they are not given. The batch is taken whole: start 0,
    size -1, stride 1.

    dx = dy in its place, and 0 elsewhere.

    ```mlir
    // x: [1.0, 2.0, 3.0, 4.0]
    %y = nnc.slice %x starts = [1] sizes = [2] : (tensor<4xf32>) -> tensor<2xf32>
    // y: [2.0, 3.0]
    ```
  }];
  let arguments = (ins Nnc_Tensor:$x, DenseI64ArrayAttr:$starts, DenseI64ArrayAttr:$sizes,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$strides);
  let resultTypes = ["inferSlice(site, x, adaptor.getStarts(), adaptor.getSizes(), adaptor.getStrides())"];
  let hasGradient = 1;
  let hasFolder = 1;
  let extraClassDeclaration = [{
    /// The strides, ones included.
    ::llvm::SmallVector<int64_t> getResolvedStrides() {
      return ::nnc::resolveDims(getX().getType().getRank(), getStrides(), 1);
    }
  }];
  let precision = "Follow";
}

def PadOp : Nnc_Movement<"pad"> {
  let summary = "Surrounded by a value";
  let description = [{
    y = x with `low` elements of `value` before, `high` after, and `interior`
    (none where not given) between each two neighbours, in each dimension. The
    batch is not padded.

    dx = the part of dy where x is.

    ```mlir
    // x: [1.0, 2.0]
    %y = nnc.pad %x low = [1] high = [2] : (tensor<2xf32>) -> tensor<5xf32>
    // y: [0.0, 1.0, 2.0, 0.0, 0.0]
    ```
  }];
  let arguments = (ins Nnc_Tensor:$x, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$interior,
                       DefaultValuedAttr<F64Attr, "0.0">:$value);
  let resultTypes = ["inferPad(site, x, adaptor.getLow(), adaptor.getHigh(), adaptor.getInterior())"];
  let hasGradient = 1;
  let extraClassDeclaration = [{
    /// The interior padding, zeros included.
    ::llvm::SmallVector<int64_t> getResolvedInterior() {
      return ::nnc::resolveDims(getX().getType().getRank(), getInterior(), 0);
    }
  }];
  let precision = "Follow";
}

def ConcatOp : Nnc_Movement<"concat"> {
  let summary = "One after another";
  let description = [{
    y = the inputs, one after another along `axis`, which is not the batch.

    The gradient of each input is its slice of dy.

    ```mlir
    // a: [1.0, 2.0], b: [3.0]
    %y = nnc.concat %a, %b axis = 0 : (tensor<2xf32>, tensor<1xf32>) -> tensor<3xf32>
    // y: [1.0, 2.0, 3.0]
    ```
  }];
  let arguments = (ins Variadic<Nnc_Tensor>:$inputs, I64Attr:$axis);
  let resultTypes = ["inferConcat(site, inputs, adaptor.getAxis())"];
  let hasGradient = 1;
  let extraClassDeclaration = [{
    /// The axis as it counts from 0.
    int64_t getResolvedAxis() { return ::nnc::resolveAxis(getY().getType().getRank(), getAxis()); }
  }];
  let precision = "Follow";
}

def GatherOp : Nnc_Movement<"gather", [DeclareOpInterfaceMethods<Nnc_IndexLimited>]> {
  let summary = "Rows by number";
  let description = [{
    y[.., i.., ..] = table[.., indices[i..], ..] along `axis`: the dimensions of
    the indices stand where the axis was. An index outside of the axis
    takes its first or last element, whichever is nearer.

    dtable = scatter_add(indices, dy). The indices have no gradient.

    ```mlir
    // table: [[1.0, 2.0], [3.0, 4.0]], indices: [1, 1, 0]
    %y = nnc.gather %table, %indices : (tensor<2x2xf32>, tensor<3xi32>) -> tensor<3x2xf32>
    // y: [[3.0, 4.0], [3.0, 4.0], [1.0, 2.0]]
    ```
  }];
  let arguments = (ins Nnc_Tensor:$table, Nnc_IntegerTensor:$indices,
                       DefaultValuedAttr<I64Attr, "0">:$axis);
  let resultTypes = ["inferGather(site, table, indices, adaptor.getAxis())"];
  let hasGradient = 1;
  let extraClassDeclaration = [{
    /// The axis as it counts from 0.
    int64_t getResolvedAxis() { return ::nnc::resolveAxis(getTable().getType().getRank(), getAxis()); }
  }];
  let precision = "Follow";
}

def ScatterAddOp : Nnc_Movement<"scatter_add"> {
  let summary = "Rows added up by number";
  let description = [{
    y[.., n, ..] = sum of updates[.., i.., ..] over all i.. with indices[i..] = n,
    along `axis`, which has `size` elements in y. An index outside of the
    axis adds to its first or last element, whichever is nearer. It adds in
    row-major order of the indices.

    dupdates = gather(dy, indices). The indices have no gradient.

    ```mlir
    // indices: [1, 1, 0], updates: [1.0, 2.0, 3.0]
    %y = nnc.scatter_add %indices, %updates size = 2 : (tensor<3xi32>, tensor<3xf32>) -> tensor<2xf32>
    // y: [3.0, 3.0]
    ```
  }];
  let arguments = (ins Nnc_IntegerTensor:$indices, Nnc_FloatTensor:$updates, I64Attr:$size,
                       DefaultValuedAttr<I64Attr, "0">:$axis);
  let resultTypes = ["inferScatterAdd(site, indices, updates, adaptor.getSize(), adaptor.getAxis())"];
  let gradient = ["nullptr", "gather(dy, indices, getResolvedAxis())"];
  let extraClassDeclaration = [{
    /// The axis as it counts from 0.
    int64_t getResolvedAxis() { return ::nnc::resolveAxis(getY().getType().getRank(), getAxis()); }
  }];
}

#endif // NNC_OPS_MOVEMENT_TD
