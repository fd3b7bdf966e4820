// One program a sentence of the verifiers of attention and positions; none may crash.
// RUN: nnc-opt %s --split-input-file --verify-diagnostics=only-expected

func.func @attention_rank(%q: tensor<?x4x16xf32>, %k: tensor<?x5x2x8xf32>, %v: tensor<?x5x2x8xf32>) {
  // expected-error @+1 {{'attention' q is f32[batch, 4, 16]: expected [batch, time, heads, size]}}
  %y = nnc.attention %q, %k, %v : (tensor<?x4x16xf32>, tensor<?x5x2x8xf32>, tensor<?x5x2x8xf32>) -> tensor<?x4x16xf32>
  return
}

// -----

func.func @attention_batch_of_keys(%q: tensor<?x4x2x8xf32>, %k: tensor<?x5x2x9xf32>, %v: tensor<?x5x2x8xf32>) {
  // expected-error @+1 {{'attention' k is f32[batch, 5, 2, 9], q is f32[batch, 4, 2, 8]: expected [batch, 5, 2, 8]}}
  %y = nnc.attention %q, %k, %v : (tensor<?x4x2x8xf32>, tensor<?x5x2x9xf32>, tensor<?x5x2x8xf32>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @attention_values(%q: tensor<?x4x2x8xf32>, %k: tensor<?x5x2x8xf32>, %v: tensor<?x6x2x8xf32>) {
  // expected-error @+1 {{'attention' v is f32[batch, 6, 2, 8], q is f32[batch, 4, 2, 8]: expected [batch, 5, 2, 8]}}
  %y = nnc.attention %q, %k, %v : (tensor<?x4x2x8xf32>, tensor<?x5x2x8xf32>, tensor<?x6x2x8xf32>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @attention_element_types(%q: tensor<?x4x2x8xf32>, %k: tensor<?x5x2x8xf64>, %v: tensor<?x5x2x8xf32>) {
  // expected-error @+1 {{'attention' element types differ: q is f32[batch, 4, 2, 8], k is f64[batch, 5, 2, 8]; did you mean cast(k, f32)?}}
  %y = nnc.attention %q, %k, %v : (tensor<?x4x2x8xf32>, tensor<?x5x2x8xf64>, tensor<?x5x2x8xf32>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @attention_groups(%q: tensor<?x4x2x8xf32>, %k: tensor<?x5x3x8xf32>, %v: tensor<?x5x3x8xf32>) {
  // expected-error @+1 {{'attention' there are 2 heads of q and 3 of k: expected a multiple of those of k}}
  %y = nnc.attention %q, %k, %v : (tensor<?x4x2x8xf32>, tensor<?x5x3x8xf32>, tensor<?x5x3x8xf32>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @attention_lengths(%q: tensor<?x4x2x8xf32>, %k: tensor<?x5x2x8xf32>, %v: tensor<?x5x2x8xf32>, %n: tensor<4xi32>) {
  // expected-error @+1 {{'attention' lengths is i32[4]: expected the shape [batch]}}
  %y = nnc.attention %q, %k, %v, %n : (tensor<?x4x2x8xf32>, tensor<?x5x2x8xf32>, tensor<?x5x2x8xf32>, tensor<4xi32>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @attention_bias(%q: tensor<?x4x2x8xf32>, %k: tensor<?x5x2x8xf32>, %v: tensor<?x5x2x8xf32>, %b: tensor<4x4xf32>) {
  // expected-error @+1 {{'attention' bias is f32[4, 4]: expected a shape that broadcasts to [batch, 2, 4, 5]}}
  %y = nnc.attention %q, %k, %v bias = %b : (tensor<?x4x2x8xf32>, tensor<?x5x2x8xf32>, tensor<?x5x2x8xf32>, tensor<4x4xf32>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @attention_bias_type(%q: tensor<?x4x2x8xf32>, %k: tensor<?x5x2x8xf32>, %v: tensor<?x5x2x8xf32>, %b: tensor<4x5xf64>) {
  // expected-error @+1 {{'attention' element types differ: q is f32[batch, 4, 2, 8], bias is f64[4, 5]; did you mean cast(bias, f32)?}}
  %y = nnc.attention %q, %k, %v bias = %b : (tensor<?x4x2x8xf32>, tensor<?x5x2x8xf32>, tensor<?x5x2x8xf32>, tensor<4x5xf64>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @attention_slopes(%q: tensor<?x4x2x8xf32>, %k: tensor<?x5x2x8xf32>, %v: tensor<?x5x2x8xf32>, %s: tensor<3xf32>) {
  // expected-error @+1 {{'attention' slopes is f32[3]: expected the shape [2]}}
  %y = nnc.attention %q, %k, %v slopes = %s : (tensor<?x4x2x8xf32>, tensor<?x5x2x8xf32>, tensor<?x5x2x8xf32>, tensor<3xf32>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @attention_mask(%q: tensor<?x4x2x8xf32>, %k: tensor<?x5x2x8xf32>, %v: tensor<?x5x2x8xf32>, %m: tensor<1x1x1x1x5xi1>) {
  // expected-error @+1 {{'attention' mask is bool[1, 1, 1, 1, 5]: expected a shape that broadcasts to [batch, 2, 4, 5]}}
  %y = nnc.attention %q, %k, %v mask = %m : (tensor<?x4x2x8xf32>, tensor<?x5x2x8xf32>, tensor<?x5x2x8xf32>, tensor<1x1x1x1x5xi1>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @attention_window(%q: tensor<?x4x2x8xf32>, %k: tensor<?x5x2x8xf32>, %v: tensor<?x5x2x8xf32>) {
  // expected-error @+1 {{'attention' window is -1: expected 0 to 1e+09}}
  %y = nnc.attention %q, %k, %v window = -1 : (tensor<?x4x2x8xf32>, tensor<?x5x2x8xf32>, tensor<?x5x2x8xf32>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @attention_dropout(%q: tensor<?x4x2x8xf32>, %k: tensor<?x5x2x8xf32>, %v: tensor<?x5x2x8xf32>) {
  // expected-error @+1 {{'attention' dropout is 1: expected at least 0 and below 1}}
  %y = nnc.attention %q, %k, %v dropout = 1.0 : (tensor<?x4x2x8xf32>, tensor<?x5x2x8xf32>, tensor<?x5x2x8xf32>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @attention_counter(%q: tensor<?x4x2x8xf32>, %k: tensor<?x5x2x8xf32>, %v: tensor<?x5x2x8xf32>, %n: tensor<?xi32>, %b: tensor<5xf32>, %s: tensor<2xf32>, %m: tensor<5xi1>, %c: tensor<i64>) {
  // expected-error @+1 {{'attention' there are 1 counters: expected a seed and a step, or neither}}
  %y = nnc.attention %q, %k, %v, %n, %b, %s, %m, %c : (tensor<?x4x2x8xf32>, tensor<?x5x2x8xf32>, tensor<?x5x2x8xf32>, tensor<?xi32>, tensor<5xf32>, tensor<2xf32>, tensor<5xi1>, tensor<i64>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @attend_heads(%q: tensor<?x4x2x8xf32>) {
  // expected-error @+1 {{'attend' q is f32[batch, 4, 2, 8], q is f32[batch, 4, 2, 8]: expected [batch, 4, 4, 8]}}
  %y, %l = nnc.attend %q heads = 2 kv_heads = 1 scale = 1.0 : (tensor<?x4x2x8xf32>) -> (tensor<?x4x2x8xf32>, tensor<?x4x2xf32>)
  return
}

// -----

func.func @attend_no_heads(%q: tensor<?x4x2x8xf32>) {
  // expected-error @+1 {{'attend' there are 2 heads of q and 0 of k: expected a multiple of those of k}}
  %y, %l = nnc.attend %q heads = 0 kv_heads = 0 scale = 1.0 : (tensor<?x4x2x8xf32>) -> (tensor<?x4x2x8xf32>, tensor<?x4x2xf32>)
  return
}

// -----

func.func @attend_values_alone(%q: tensor<?x4x2x8xf32>, %v: tensor<?x5x2x8xf32>) {
  // expected-error @+1 {{'attend' has v and no k}}
  %y, %l = nnc.attend %q v = %v heads = 2 kv_heads = 2 scale = 1.0 : (tensor<?x4x2x8xf32>, tensor<?x5x2x8xf32>) -> (tensor<?x4x2x8xf32>, tensor<?x4x2xf32>)
  return
}

// -----

func.func @attend_gradient_dy(%q: tensor<?x4x3x8xf32>, %l: tensor<?x4x1xf32>, %g: tensor<?x4x2x8xf32>) {
  // expected-error @+1 {{'attend_gradient' dy is f32[batch, 4, 2, 8]: expected f32[batch, 4, 1, 8]}}
  %y = nnc.attend_gradient %q, %l, %l, %g heads = 1 kv_heads = 1 scale = 1.0 : (tensor<?x4x3x8xf32>, tensor<?x4x1xf32>, tensor<?x4x1xf32>, tensor<?x4x2x8xf32>) -> tensor<?x4x3x8xf32>
  return
}

// -----

func.func @attend_many_heads(%q: tensor<?x4x2x8xf32>) {
  // expected-error @+1 {{'attend' heads is 9.223372036854776e+18: expected 0 to 1e+09}}
  %y, %l = nnc.attend %q heads = 9223372036854775807 kv_heads = 1 scale = 1.0 : (tensor<?x4x2x8xf32>) -> (tensor<?x4x2x8xf32>, tensor<?x4x2xf32>)
  return
}

// -----

func.func @layer_many_heads(%x: tensor<?x4x8xf32>, %w: tensor<8x24xf32>, %o: tensor<8x8xf32>) {
  // expected-error @+1 {{'multi_head_attention' head_size is 4.611686018427388e+18: expected 0 to 1e+09}}
  %y = nnc.multi_head_attention %x, %w, %o heads = 2 head_size = 4611686018427387904 : (tensor<?x4x8xf32>, tensor<8x24xf32>, tensor<8x8xf32>) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @layer_rank(%x: tensor<?x8xf32>, %w: tensor<8x24xf32>, %o: tensor<8x8xf32>) {
  // expected-error @+1 {{'multi_head_attention' x is f32[batch, 8]: expected [batch, time, width]}}
  %y = nnc.multi_head_attention %x, %w, %o heads = 2 : (tensor<?x8xf32>, tensor<8x24xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @layer_heads(%x: tensor<?x4x8xf32>, %w: tensor<8x24xf32>, %o: tensor<8x8xf32>) {
  // expected-error @+1 {{'multi_head_attention' heads is 3: expected a divisor of the width of x, f32[batch, 4, 8] (8), or a head_size}}
  %y = nnc.multi_head_attention %x, %w, %o heads = 3 : (tensor<?x4x8xf32>, tensor<8x24xf32>, tensor<8x8xf32>) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @layer_no_heads(%x: tensor<?x4x8xf32>, %w: tensor<8x24xf32>, %o: tensor<8x8xf32>) {
  // expected-error @+1 {{'multi_head_attention' heads is 0: expected 1 to 1e+09}}
  %y = nnc.multi_head_attention %x, %w, %o heads = 0 : (tensor<?x4x8xf32>, tensor<8x24xf32>, tensor<8x8xf32>) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @layer_kv_heads(%x: tensor<?x4x8xf32>, %w: tensor<8x24xf32>, %o: tensor<8x8xf32>) {
  // expected-error @+1 {{'multi_head_attention' kv_heads is 3: expected a divisor of heads, 4}}
  %y = nnc.multi_head_attention %x, %w, %o heads = 4 kv_heads = 3 : (tensor<?x4x8xf32>, tensor<8x24xf32>, tensor<8x8xf32>) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @layer_weight(%x: tensor<?x4x8xf32>, %w: tensor<8x16xf32>, %o: tensor<8x8xf32>) {
  // expected-error @+1 {{'multi_head_attention' in_proj_weight is f32[8, 16]: expected f32[8, 24]}}
  %y = nnc.multi_head_attention %x, %w, %o heads = 2 : (tensor<?x4x8xf32>, tensor<8x16xf32>, tensor<8x8xf32>) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @layer_memory_weight(%x: tensor<?x4x8xf32>, %w: tensor<8x8xf32>, %o: tensor<8x8xf32>, %m: tensor<?x3x6xf32>) {
  // expected-error @+1 {{'multi_head_attention' needs its operand 'memory_proj_weight'}}
  %y = nnc.multi_head_attention %x, %w, %o memory = %m heads = 2 : (tensor<?x4x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<?x3x6xf32>) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @layer_no_memory(%x: tensor<?x4x8xf32>, %w: tensor<8x24xf32>, %o: tensor<8x8xf32>, %m: tensor<6x16xf32>) {
  // expected-error @+1 {{'multi_head_attention' has memory_proj_weight and no memory}}
  %y = nnc.multi_head_attention %x, %w, %o memory_proj_weight = %m heads = 2 : (tensor<?x4x8xf32>, tensor<8x24xf32>, tensor<8x8xf32>, tensor<6x16xf32>) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @layer_positions(%x: tensor<?x4x8xf32>, %w: tensor<8x24xf32>, %o: tensor<8x8xf32>, %p: tensor<4xi32>) {
  // expected-error @+1 {{'multi_head_attention' has positions, which rotary = true is for}}
  %y = nnc.multi_head_attention %x, %w, %o positions = %p heads = 2 : (tensor<?x4x8xf32>, tensor<8x24xf32>, tensor<8x8xf32>, tensor<4xi32>) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @layer_mask(%x: tensor<?x4x8xf32>, %w: tensor<8x24xf32>, %o: tensor<8x8xf32>, %m: tensor<3x4xi1>) {
  // expected-error @+1 {{'multi_head_attention' mask is bool[3, 4]: expected a shape that broadcasts to [batch, 2, 4, 4]}}
  %y = nnc.multi_head_attention %x, %w, %o mask = %m heads = 2 : (tensor<?x4x8xf32>, tensor<8x24xf32>, tensor<8x8xf32>, tensor<3x4xi1>) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @layer_rotary(%x: tensor<?x4x8xf32>, %w: tensor<8x24xf32>, %o: tensor<8x8xf32>, %p: tensor<3xi32>) {
  // expected-error @+1 {{'multi_head_attention' positions is i32[3], x is f32[batch, 4, 6, 4]: expected [4] or [batch, 4]}}
  %y = nnc.multi_head_attention %x, %w, %o positions = %p heads = 2 rotary = true : (tensor<?x4x8xf32>, tensor<8x24xf32>, tensor<8x8xf32>, tensor<3xi32>) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @rotary_odd(%x: tensor<?x4x2x8xf32>) {
  // expected-error @+1 {{'rotary' rotated is 3: expected an even number of the 8 elements of a head}}
  %y = nnc.rotary %x rotated = 3 : (tensor<?x4x2x8xf32>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @rotary_large(%x: tensor<?x4x2x8xf32>) {
  // expected-error @+1 {{'rotary' rotated is 10: expected an even number of the 8 elements of a head}}
  %y = nnc.rotary %x rotated = 10 : (tensor<?x4x2x8xf32>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @rotary_heads(%x: tensor<?x4x2x8xf32>) {
  // expected-error @+1 {{'rotary' heads is 3: x is f32[batch, 4, 2, 8]}}
  %y = nnc.rotary %x heads = 3 : (tensor<?x4x2x8xf32>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @rotary_cosines_alone(%x: tensor<?x4x2x8xf32>, %c: tensor<4x4xf32>) {
  // expected-error @+1 {{'rotary' has cos and no sin}}
  %y = nnc.rotary %x cos = %c : (tensor<?x4x2x8xf32>, tensor<4x4xf32>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @rotary_table(%x: tensor<?x4x2x8xf32>, %c: tensor<3x4xf32>) {
  // expected-error @+1 {{'rotary' cos is f32[3, 4]: expected 4 columns and at least 4 rows}}
  %y = nnc.rotary %x cos = %c sin = %c : (tensor<?x4x2x8xf32>, tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @rotary_positions(%x: tensor<?x4x2x8xf32>, %p: tensor<3xi32>) {
  // expected-error @+1 {{'rotary' positions is i32[3], x is f32[batch, 4, 2, 8]: expected [4] or [batch, 4]}}
  %y = nnc.rotary %x, %p : (tensor<?x4x2x8xf32>, tensor<3xi32>) -> tensor<?x4x2x8xf32>
  return
}

// -----

func.func @sinusoidal_width() {
  // expected-error @+1 {{'sinusoidal_positions' length is 4, width is 3: expected an even width and both above 0}}
  %y = nnc.sinusoidal_positions length = 4 width = 3 : () -> tensor<4x3xf32>
  return
}

// -----

func.func @sinusoidal_size() {
  // expected-error @+1 {{'sinusoidal_positions' length is 1000000, width is 1000: expected at most 16777216 elements}}
  %y = nnc.sinusoidal_positions length = 1000000 width = 1000 : () -> tensor<1000000x1000xf32>
  return
}

// -----

func.func @operand_out_of_order(%q: tensor<?x4x2x8xf32>, %k: tensor<?x5x2x8xf32>, %v: tensor<?x5x2x8xf32>, %m: tensor<5xi1>, %n: tensor<?xi32>) {
  // expected-error @+1 {{operand 'lengths' stands in a wrong place}}
  %y = nnc.attention %q, %k, %v mask = %m lengths = %n : (tensor<?x4x2x8xf32>, tensor<?x5x2x8xf32>, tensor<?x5x2x8xf32>, tensor<5xi1>, tensor<?xi32>) -> tensor<?x4x2x8xf32>
  return
}
