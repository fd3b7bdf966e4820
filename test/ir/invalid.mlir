// One program a sentence of the verifiers; none may crash.
// RUN: nnc-opt %s --split-input-file --verify-diagnostics=only-expected

func.func @matmul_inner(%a: tensor<?x784xf32>, %b: tensor<128x10xf32>) {
  // expected-error @+1 {{'matmul' inner dimensions differ: lhs is f32[batch, 784] (784), rhs is f32[128, 10] (128)}}
  %0 = nnc.matmul %a, %b : (tensor<?x784xf32>, tensor<128x10xf32>) -> tensor<?x10xf32>
  return
}

// -----

func.func @matmul_transposed(%a: tensor<?x784xf32>, %b: tensor<128x784xf32>) {
  // expected-error @+1 {{'matmul' inner dimensions differ: lhs is f32[batch, 784] (784), rhs is f32[128, 784] (128); did you mean transpose(rhs)?}}
  %0 = nnc.matmul %a, %b : (tensor<?x784xf32>, tensor<128x784xf32>) -> tensor<?x128xf32>
  return
}

// -----

func.func @matmul_rank(%a: tensor<4xf32>, %b: tensor<4x4xf32>) {
  // expected-error @+1 {{'matmul' lhs is f32[4]: expected at least 2 dimensions}}
  %0 = nnc.matmul %a, %b : (tensor<4xf32>, tensor<4x4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @matmul_leading(%a: tensor<2x4x4xf32>, %b: tensor<3x4x4xf32>) {
  // expected-error @+1 {{'matmul' shapes do not broadcast: lhs is f32[2, 4, 4], rhs is f32[3, 4, 4] (2 against 3)}}
  %0 = nnc.matmul %a, %b : (tensor<2x4x4xf32>, tensor<3x4x4xf32>) -> tensor<2x4x4xf32>
  return
}

// -----

func.func @matmul_reduce_batch(%a: tensor<2x4x4xf32>, %b: tensor<1x4x4xf32>) {
  // expected-error @+1 {{'matmul' leading dimensions differ: lhs is f32[2, 4, 4], rhs is f32[1, 4, 4]; reduce_batch sums over equal ones}}
  %0 = nnc.matmul %a, %b reduce_batch = true : (tensor<2x4x4xf32>, tensor<1x4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @two_batches(%a: tensor<?x4xf32>, %b: tensor<4x?xf32>) {
  // expected-error @+1 {{'matmul' the result's shape [batch, batch] has more than one batch dimension}}
  %0 = nnc.matmul %a, %b : (tensor<?x4xf32>, tensor<4x?xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @broadcast_shapes(%a: tensor<?x4xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{'add' shapes do not broadcast: lhs is f32[batch, 4], rhs is f32[3] (4 against 3)}}
  %0 = nnc.add %a, %b : (tensor<?x4xf32>, tensor<3xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @batch_against_number(%a: tensor<?x4xf32>, %b: tensor<3x4xf32>) {
  // expected-error @+1 {{'add' shapes do not broadcast: lhs is f32[batch, 4], rhs is f32[3, 4] (batch against 3)}}
  %0 = nnc.add %a, %b : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @element_types(%a: tensor<4xui8>, %b: tensor<4xf32>) {
  // expected-error @+1 {{'mul' element types differ: lhs is u8[4], rhs is f32[4]; did you mean cast(lhs, f32)?}}
  %0 = nnc.mul %a, %b : (tensor<4xui8>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @inferred_type(%a: tensor<4xf32>) {
  // expected-error @+1 {{inferred type(s) 'tensor<4xf32>' are incompatible with return type(s) of operation 'tensor<5xf32>'}}
  %0 = nnc.exp %a : (tensor<4xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @no_tensor(%a: f32) {
  // expected-error @+1 {{operand #0 must be tensor of}}
  %0 = nnc.exp %a : f32
  return
}

// -----

func.func @empty_dimension(%a: tensor<0x4xf32>) {
  // expected-error @+1 {{operand #0 must be tensor of}}
  %0 = nnc.exp %a : tensor<0x4xf32>
  return
}

// -----

func.func @two_batch_operand(%a: tensor<?x?xf32>) {
  // expected-error @+1 {{operand #0 must be tensor of}}
  %0 = nnc.exp %a : tensor<?x?xf32>
  return
}

// -----

func.func @too_large(%a: tensor<9000000000x9000000000xf32>) {
  // expected-error @+1 {{operand #0 must be tensor of}}
  %0 = nnc.exp %a : tensor<9000000000x9000000000xf32>
  return
}

// -----

func.func @product_too_large(%a: tensor<2000000x1xf32>, %b: tensor<1x2000000xf32>) {
  // expected-error @+1 {{'add' the result's shape [2000000, 2000000] has more than 2^40 elements a sample}}
  %0 = nnc.add %a, %b : (tensor<2000000x1xf32>, tensor<1x2000000xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @clamp_order(%a: tensor<4xf32>) {
  // expected-error @+1 {{'clamp' min is above max: min is 1.000000e+00, max is -1.000000e+00}}
  %0 = nnc.clamp %a min = 1.0 max = -1.0 : tensor<4xf32>
  return
}

// -----

func.func @cast_to(%a: tensor<4xf32>) {
  // expected-error @+1 {{result #0 must be tensor of}}
  %0 = nnc.cast %a to = i7 : (tensor<4xf32>) -> tensor<4xi7>
  return
}

// -----

func.func @axis(%a: tensor<?x4xf32>) {
  // expected-error @+1 {{'sum' axis 2 is out of range: x is f32[batch, 4] (rank 2)}}
  %0 = nnc.sum %a axes = [2] : (tensor<?x4xf32>) -> tensor<f32>
  return
}

// -----

func.func @axis_twice(%a: tensor<?x4xf32>) {
  // expected-error @+1 {{'sum' axis -1 is named twice in [1, -1]}}
  %0 = nnc.sum %a axes = [1, -1] : (tensor<?x4xf32>) -> tensor<f32>
  return
}

// -----

func.func @huge_axis(%a: tensor<?x4xf32>) {
  // expected-error @+1 {{'argmax' axis -9223372036854775808 is out of range: x is f32[batch, 4] (rank 2)}}
  %0 = nnc.argmax %a axis = -9223372036854775808 : (tensor<?x4xf32>) -> tensor<?xi32>
  return
}

// -----

func.func @iota_axis() {
  // expected-error @+1 {{'iota' axis 1 is out of range: the shape is [2]}}
  %0 = nnc.iota shape = [2] type = i32 axis = 1 : () -> tensor<2xi32>
  return
}

// -----

func.func @negative_shape() {
  // expected-error @+1 {{'iota' shape [-2] has the dimension -2: expected a size above 0, or batch}}
  %0 = nnc.iota shape = [-2] type = i32 : () -> tensor<2xi32>
  return
}

// -----

func.func @reshape_count(%a: tensor<?x4xf32>) {
  // expected-error @+1 {{'reshape' the number of elements changes: x is f32[batch, 4] (batch * 4), shape is [batch, 5] (batch * 5)}}
  %0 = nnc.reshape %a shape = [-1, 5] : (tensor<?x4xf32>) -> tensor<?x5xf32>
  return
}

// -----

func.func @reshape_batch(%a: tensor<?x4xf32>) {
  // expected-error @+1 {{'reshape' the number of elements changes: x is f32[batch, 4] (batch * 4), shape is [4] (4)}}
  %0 = nnc.reshape %a shape = [4] : (tensor<?x4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @transpose_rank(%a: tensor<4xf32>) {
  // expected-error @+1 {{'transpose' x is f32[4]: expected at least 2 dimensions}}
  %0 = nnc.transpose %a : tensor<4xf32>
  return
}

// -----

func.func @permutation(%a: tensor<4x5xf32>) {
  // expected-error @+1 {{'transpose' permutation [0, 0] does not name each dimension of x once: x is f32[4, 5] (rank 2)}}
  %0 = nnc.transpose %a permutation = [0, 0] : (tensor<4x5xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @broadcast_to(%a: tensor<4xf32>) {
  // expected-error @+1 {{'broadcast' x does not broadcast to the shape: x is f32[4], shape is [5]}}
  %0 = nnc.broadcast %a shape = [5] : (tensor<4xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @slice_entries(%a: tensor<4x4xf32>) {
  // expected-error @+1 {{'slice' starts has 1 entries: x is f32[4, 4] (rank 2)}}
  %0 = nnc.slice %a starts = [1] sizes = [2] : (tensor<4x4xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @slice_range(%a: tensor<4xf32>) {
  // expected-error @+1 {{'slice' the slice leaves x in dimension 0: x is f32[4], start is 3, size is 2, stride is 1}}
  %0 = nnc.slice %a starts = [3] sizes = [2] : (tensor<4xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @slice_overflow(%a: tensor<4xf32>) {
  // expected-error @+1 {{'slice' the slice leaves x in dimension 0: x is f32[4], start is 1, size is 2, stride is 9223372036854775807}}
  %0 = nnc.slice %a starts = [1] sizes = [2] strides = [9223372036854775807] : (tensor<4xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @slice_batch(%a: tensor<?xf32>) {
  // expected-error @+1 {{'slice' the slice leaves x in dimension 0: x is f32[batch], start is 0, size is 2, stride is 1; the batch is taken whole}}
  %0 = nnc.slice %a starts = [0] sizes = [2] : (tensor<?xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @pad_batch(%a: tensor<?xf32>) {
  // expected-error @+1 {{'pad' cannot pad dimension 0 of x: x is f32[batch], low is 1, high is 0, interior is 0; the batch is not padded}}
  %0 = nnc.pad %a low = [1] high = [0] : (tensor<?xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @pad_overflow(%a: tensor<4xf32>) {
  // expected-error @+1 {{'pad' cannot pad dimension 0 of x: x is f32[4], low is 9223372036854775807, high is 0, interior is 0}}
  %0 = nnc.pad %a low = [9223372036854775807] high = [0] : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @concat_nothing() {
  // expected-error @+1 {{'concat' there is no input: expected at least one}}
  %0 = "nnc.concat"() {axis = 0 : i64} : () -> tensor<4xf32>
  return
}

// -----

func.func @concat_shapes(%a: tensor<2x3xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{'concat' inputs differ outside of axis 0: input 0 is f32[2, 3], input 1 is f32[2, 4]}}
  %0 = nnc.concat %a, %b axis = 0 : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @concat_batch(%a: tensor<?x3xf32>) {
  // expected-error @+1 {{'concat' axis 0 is the batch of input 0, which is f32[batch, 3]: expected a static dimension}}
  %0 = nnc.concat %a, %a axis = 0 : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @gather_axis(%a: tensor<4xf32>, %i: tensor<2xi32>) {
  // expected-error @+1 {{'gather' axis 1 is out of range: x is f32[4] (rank 1)}}
  %0 = nnc.gather %a, %i axis = 1 : (tensor<4xf32>, tensor<2xi32>) -> tensor<2xf32>
  return
}

// -----

func.func @scatter_shapes(%i: tensor<2xi32>, %a: tensor<3xf32>) {
  // expected-error @+1 {{'scatter_add' updates do not hold the dimensions of the indices at axis 0: updates is f32[3], indices is i32[2]}}
  %0 = nnc.scatter_add %i, %a size = 4 : (tensor<2xi32>, tensor<3xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @bits(%s: tensor<i64>) {
  // expected-error @+1 {{'random_bits' bits is 33: expected 1 to 32}}
  %0 = nnc.random_bits %s, %s, %s shape = [2] bits = 33 : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<2xui32>
  return
}

// -----

func.func @counter(%s: tensor<i64>) {
  // expected-error @+1 {{'random_uniform' there are 1 counters: expected a seed and a step, or neither}}
  %0 = nnc.random_uniform %s shape = [2] : (tensor<i64>) -> tensor<2xf32>
  return
}

// -----

func.func @stream() {
  // expected-error @+1 {{'random_uniform' stream is 9223372036854775807: expected one from 0 to 2^31 - 1}}
  %0 = nnc.random_uniform shape = [2] stream = 9223372036854775807 : () -> tensor<2xf32>
  return
}

// -----

func.func @random_type() {
  // expected-error @+1 {{result #0 must be tensor of}}
  %0 = nnc.random_normal shape = [2] type = i32 : () -> tensor<2xi32>
  return
}

// -----

func.func @bernoulli_p() {
  // expected-error @+1 {{'bernoulli' p is 1.5: expected 0 to 1}}
  %0 = nnc.bernoulli shape = [2] p = 1.5 : () -> tensor<2xf32>
  return
}

// -----

func.func @orthogonalize(%a: tensor<4xf32>) {
  // expected-error @+1 {{'orthogonalize' x is f32[4]: expected at least 2 dimensions and no batch}}
  %0 = nnc.orthogonalize %a : tensor<4xf32>
  return
}

// -----

func.func @dropout_rate(%a: tensor<4xf32>) {
  // expected-error @+1 {{'dropout' rate is 1: expected at least 0 and below 1}}
  %0 = nnc.dropout %a rate = 1.0 : tensor<4xf32>
  return
}

// -----

func.func @softmax_axis(%a: tensor<4xf32>) {
  // expected-error @+1 {{'softmax' axis 1 is out of range: x is f32[4] (rank 1)}}
  %0 = nnc.softmax %a axis = 1 : tensor<4xf32>
  return
}

// -----

func.func @layer_norm_batch(%a: tensor<?xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{'layer_norm' x is f32[batch]: expected a last dimension that is not the batch}}
  %0 = nnc.layer_norm %a, %b, %b : (tensor<?xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @layer_norm_scale(%a: tensor<?x8xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{'layer_norm' scale is f32[4]: expected f32[8]}}
  %0 = nnc.layer_norm %a, %b, %b : (tensor<?x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @batch_norm_rank(%a: tensor<8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'batch_norm' x is f32[8]: expected at least 2 dimensions}}
  %0 = nnc.batch_norm %a, %b, %b, %b, %b : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @batch_norm_statistic(%a: tensor<?x8xf32>, %b: tensor<8xf32>, %c: tensor<1xf32>) {
  // expected-error @+1 {{'batch_norm' running_variance is f32[1]: expected f32[8]}}
  %0 = nnc.batch_norm %a, %b, %b, %b, %c : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<1xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @batch_norm_momentum(%a: tensor<?x8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'batch_norm' momentum is 1.5: expected 0 to 1}}
  %0 = nnc.batch_norm %a, %b, %b, %b, %b momentum = 1.5 : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @batch_norm_convention(%a: tensor<?x8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'tf' is no convention}}
  %0 = nnc.batch_norm %a, %b, %b, %b, %b convention = tf : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @instance_norm_rank(%a: tensor<?x8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'instance_norm' x is f32[batch, 8]: expected at least 3 dimensions}}
  %0 = nnc.instance_norm %a, %b, %b : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @group_norm_groups(%a: tensor<?x8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'group_norm' groups is 3: expected a divisor of the last dimension of x, f32[batch, 8] (8)}}
  %0 = nnc.group_norm %a, %b, %b groups = 3 : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @group_norm_no_groups(%a: tensor<?x8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'group_norm' groups is 0: expected a divisor of the last dimension of x, f32[batch, 8] (8)}}
  %0 = nnc.group_norm %a, %b, %b groups = 0 : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @rms_norm_batch(%a: tensor<?xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{'rms_norm' x is f32[batch]: expected a last dimension that is not the batch}}
  %0 = nnc.rms_norm %a, %b : (tensor<?xf32>, tensor<4xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @normalize_larger(%a: tensor<2x1xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'normalize' the other operands make x, f32[2, 1], larger: f32[2, 8]}}
  %0, %1, %2 = nnc.normalize %a, %b, %b axes = [0] epsilon = 0.1 : (tensor<2x1xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>)
  return
}

// -----

func.func @dense_inner(%a: tensor<?x8xf32>, %w: tensor<4x2xf32>) {
  // expected-error @+1 {{'dense' inner dimensions differ: x is f32[batch, 8] (8), weight is f32[4, 2] (4)}}
  %0 = nnc.dense %a, %w : (tensor<?x8xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @dense_weight(%a: tensor<?x8xf32>, %w: tensor<8xf32>) {
  // expected-error @+1 {{'dense' weight is f32[8]: expected 2 dimensions}}
  %0 = nnc.dense %a, %w : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @flatten_scalar(%a: tensor<f32>) {
  // expected-error @+1 {{'flatten' x is f32: expected at least 1 dimension}}
  %0 = nnc.flatten %a : tensor<f32>
  return
}

// -----

func.func @flatten_batch(%a: tensor<4x?x2xf32>) {
  // expected-error @+1 {{'flatten' x is f32[4, batch, 2]: expected the batch as its first dimension}}
  %0 = nnc.flatten %a : (tensor<4x?x2xf32>) -> tensor<4x?xf32>
  return
}

// -----

func.func @classes(%a: tensor<4xi32>) {
  // expected-error @+1 {{'one_hot' classes is 0: expected at least 1}}
  %0 = nnc.one_hot %a classes = 0 : (tensor<4xi32>) -> tensor<4x1xf32>
  return
}

// -----

func.func @cross_entropy_scalar(%a: tensor<f32>, %t: tensor<i32>) {
  // expected-error @+1 {{'cross_entropy' logits is f32: expected a last dimension, of classes, that is not the batch}}
  %0 = nnc.cross_entropy %a, %t : (tensor<f32>, tensor<i32>) -> tensor<f32>
  return
}

// -----

func.func @cross_entropy_target(%a: tensor<?x10xf32>, %t: tensor<?x3xi32>) {
  // expected-error @+1 {{'cross_entropy' target does not fit: logits is f32[batch, 10], target is i32[batch, 3]; expected integers [batch] or floats [batch, 10]}}
  %0 = nnc.cross_entropy %a, %t : (tensor<?x10xf32>, tensor<?x3xi32>) -> tensor<f32>
  return
}

// -----

func.func @mse_shapes(%a: tensor<?x10xf32>, %t: tensor<?xf32>) {
  // expected-error @+1 {{'mse' shapes differ: prediction is f32[batch, 10], target is f32[batch]}}
  %0 = nnc.mse %a, %t : (tensor<?x10xf32>, tensor<?xf32>) -> tensor<f32>
  return
}

// -----

func.func @adam_grad(%p: tensor<4xf32>, %g: tensor<5xf32>, %r: tensor<f32>, %s: tensor<i64>) {
  // expected-error @+1 {{'sgd' grad is f32[5], param is f32[4]: expected the same type}}
  %0 = nnc.sgd %p, %g, %r, %s : (tensor<4xf32>, tensor<5xf32>, tensor<f32>, tensor<i64>) -> tensor<4xf32>
  return
}

// -----

func.func @every(%b: tensor<f32>, %s: tensor<i64>) {
  // expected-error @+1 {{'step_decay' every is 0: expected at least 1}}
  %0 = nnc.step_decay %b, %s every = 0 factor = 0.5 : (tensor<f32>, tensor<i64>) -> tensor<f32>
  return
}

// -----

func.func @adam_beta(%p: tensor<4xf32>, %r: tensor<f32>, %s: tensor<i64>) {
  // expected-error @+1 {{'adam' beta2 is 1.5: expected at least 0 and below 1}}
  %0, %1, %2 = nnc.adam %p, %p, %r, %s, %p, %p beta2 = 1.5 : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i64>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @momentum_nan(%p: tensor<4xf32>, %r: tensor<f32>, %s: tensor<i64>) {
  // expected-error @+1 {{'momentum' momentum is nan: expected at least 0 and below 1}}
  %0, %1 = nnc.momentum %p, %p, %r, %s, %p momentum = 0x7FF8000000000000 : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i64>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @decay_factor(%b: tensor<f32>, %s: tensor<i64>) {
  // expected-error @+1 {{'exponential_decay' factor is 0: expected above 0}}
  %0 = nnc.exponential_decay %b, %s every = 1 factor = 0.0 : (tensor<f32>, tensor<i64>) -> tensor<f32>
  return
}

// -----

func.func @huber_delta(%p: tensor<4xf32>) {
  // expected-error @+1 {{'huber' delta is inf: expected above 0 and finite}}
  %0 = nnc.huber %p, %p delta = 0x7FF0000000000000 : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  return
}

// -----

func.func @slope_of_f16(%x: tensor<4xf16>) {
  // expected-error @+1 {{'leaky_relu' slope is 100000: it does not fit in f16}}
  %0 = nnc.leaky_relu %x slope = 1.0e5 : tensor<4xf16>
  return
}

// -----

func.func @cosine_total(%b: tensor<f32>, %s: tensor<i64>) {
  // expected-error @+1 {{'cosine' total is 10: expected at least 11}}
  %0 = nnc.cosine %b, %s warmup = 10 total = 10 : (tensor<f32>, tensor<i64>) -> tensor<f32>
  return
}

// -----

func.func @unknown_attribute(%a: tensor<4xf32>) {
  // expected-error @+1 {{'nnc.exp' has no attribute 'axis'}}
  %0 = nnc.exp %a axis = 1 : tensor<4xf32>
  return
}

// -----

func.func @predicate(%a: tensor<4xf32>) {
  // expected-error @+1 {{'near' is no predicate}}
  %0 = nnc.compare %a, %a predicate = near : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  return
}

// -----

func.func @no_parameter() {
  // expected-error @+1 {{'read' there is no parameter @nothing}}
  %0 = nnc.read @nothing : tensor<4xf32>
  return
}

// -----

func.func @no_kernel(%a: tensor<4xf32>) {
  // expected-error @+1 {{'launch' there is no kernel @nothing}}
  %0 = nnc.launch @nothing(%a) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @gradient_count(%l: tensor<f32>, %w: tensor<4xf32>) {
  // expected-error @+1 {{'gradient' there are 2 variables and 1 gradients}}
  %0 = nnc.gradient %l wrt(%w, %w) : (tensor<f32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @gradient_type(%l: tensor<f32>, %w: tensor<4xf32>) {
  // expected-error @+1 {{'gradient' types differ: variable 0 is f32[4], its gradient is f32[5]}}
  %0 = nnc.gradient %l wrt(%w) : (tensor<f32>, tensor<4xf32>) -> tensor<5xf32>
  return
}

// -----

nnc.parameter @w : tensor<4xf32> = <zeros>
func.func @assigned_type(%v: tensor<5xf32>) {
  // expected-error @+1 {{'assign' @w is f32[4], here it is f32[5]}}
  nnc.assign @w, %v : tensor<5xf32>
  // expected-note @-4 {{the parameter is declared here}}
  return
}

// -----

nnc.parameter @w : tensor<4xf32> = <zeros>
func.func @optimize_count() {
  // expected-error @+1 {{'optimize' there are 1 parameters and 0 gradients}}
  nnc.optimize [@w] with()
  return
}

// -----

// expected-error @+1 {{'parameter' @w is f32[batch, 4]: a parameter does not depend on the batch}}
nnc.parameter @w : tensor<?x4xf32> = <zeros>

// -----

// expected-error @+1 {{there is no initializer 'glorot'}}
nnc.parameter @w : tensor<4xf32> = <glorot>

// -----

// expected-error @+1 {{initializer 'zeros' has no argument "stddev"}}
nnc.parameter @w : tensor<4xf32> = <zeros, {stddev = 1.0}>

// -----

// expected-error @+1 {{argument "stddev" of initializer 'normal' is 1 : i64: expected a float}}
nnc.parameter @w : tensor<4xf32> = <normal, {stddev = 1}>

// -----

// expected-error @+1 {{initializer 'constant' needs its argument 'value'}}
nnc.parameter @w : tensor<4xf32> = <constant>

// -----

// expected-error @+1 {{'model' input 0 is f32[batch, batch]: expected a tensor with at most one batch dimension}}
nnc.model @two_batches(%x: tensor<?x?xf32>) {
}

// -----

// expected-error @+1 {{region #0 ('body') failed to verify constraint}}
nnc.model @no_body(tensor<?xf32>)

// -----

func.func @fused_results(%x: tensor<4xf32>) {
  // expected-error @+1 {{'fused' the yielded values differ from the results in number or type}}
  %0 = nnc.fused "rows" (%a = %x) : (tensor<4xf32>) -> tensor<5xf32> {
    nnc.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func private @kernel(tensor<4xf32>) -> tensor<4xf32>
func.func @launch_count(%x: tensor<4xf32>) {
  // expected-error @+1 {{'launch' @kernel takes 1 operands and returns 1 results, here there are 2 and 1}}
  %0 = nnc.launch @kernel(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

// expected-error @+1 {{there is an input 'x' already; give one another name}}
nnc.model @inputs(%x: tensor<?xf32> {nnc.name = "x"}, %y: tensor<?xf32> {nnc.name = "x"}) {
}

// -----

// expected-error @+1 {{'input' 'a/b' has a '/': it becomes the name of a file}}
nnc.model @path(%x: tensor<?xf32> {nnc.name = "a/b"}) {
}

// -----

nnc.model @outputs(%x: tensor<?xf32>) {
  nnc.output "y" %x : tensor<?xf32>
  // expected-error @+1 {{there is an output 'y' already; give one another name}}
  nnc.output "y" %x : tensor<?xf32>
}

// -----

nnc.model @hidden(%x: tensor<?xf32>) {
  // expected-error @+1 {{'output' '.y' begins with '.': it becomes the name of a file}}
  nnc.output ".y" %x : tensor<?xf32>
}

// -----

nnc.model @metrics(%x: tensor<f32>) {
  nnc.metric "y" %x : tensor<f32>
  // expected-error @+1 {{there is a metric 'y' already; give one another name}}
  nnc.metric "y" %x : tensor<f32>
}

// -----

nnc.model @confusion(%x: tensor<f32>) {
  // expected-error @+1 {{'metric' 'confusion' is what training reports itself; choose another name}}
  nnc.metric "confusion" %x : tensor<f32>
}

// -----

nnc.model @strange(%x: tensor<f32>) {
  // expected-error @+1 {{'metric' the name is not UTF-8, or has a control character}}
  nnc.metric "a\1B" %x : tensor<f32>
}

// -----

// expected-error @+1 {{'parameter' '__metadata__' is what a file of weights calls its metadata}}
nnc.parameter @__metadata__ : tensor<4xf32> = <zeros>

// -----

// expected-error @+1 {{'parameter' 'nnc.scalar/step' begins with 'nnc.', which is nnc's own}}
nnc.parameter @"nnc.scalar/step" : tensor<4xf32> = <zeros>

// -----

// expected-error @+1 {{'parameter' the name is empty}}
nnc.parameter @"" : tensor<4xf32> = <zeros>

// -----

// expected-error @+1 {{'parameter' 'predict' is what the compiled program calls a part of its own}}
nnc.parameter @predict : tensor<4xf32> = <zeros>

// -----

// expected-error @+1 {{'nnc.frozen' is a mark of parameters and buffers}}
nnc.parameter @seed : tensor<i64> = <zeros> {nnc.frozen, role = #nnc.role<scalar>}

// -----

// expected-error @+1 {{'nnc.pytorch_dims' has [1, 1]: expected each of the 2 dimensions once}}
nnc.parameter @w : tensor<4x2xf32> = <zeros> {nnc.pytorch_dims = array<i64: 1, 1>}

// -----

// expected-error @+1 {{'nnc.pytorch_dims' has [0]: expected each of the 2 dimensions once}}
nnc.parameter @w : tensor<4x2xf32> = <zeros> {nnc.pytorch_dims = array<i64: 0>}

// -----

// expected-error @+1 {{'nnc.pytorch_dims' is an array of integers, of parameters and buffers}}
nnc.parameter @w : tensor<4x2xf32> = <zeros> {nnc.pytorch_dims = "ba"}

// -----

// expected-error @+1 {{'nnc.pytorch_dims' is an array of integers, of parameters and buffers}}
nnc.parameter @seed : tensor<i64> = <zeros> {nnc.pytorch_dims = array<i64>, role = #nnc.role<scalar>}
