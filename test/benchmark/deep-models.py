"""Prints a deep model, to time its compilation: deep-models.py KIND DEPTH [--clip] [--dropout RATE].

KIND is `gpt`, of DEPTH equal layers as GPT-2's (Radford et al. 2019: width 768, 12 heads, context 1024,
50,304 tokens), or `gru`, one cell (Cho et al. 2014) unrolled for DEPTH steps.
"""

import argparse

GPT = """
const layers = {depth}, width = 768, heads = 12, vocabulary = 50304

fn norm(x) {{
  param scale: f32[width] = ones
  param bias: f32[width] = zeros
  return layer_norm(x, scale, bias)
}}

fn attention(x, mask) {{
  time = shape(x, 1)
  size = width / heads
  parts = transpose(reshape(dense(x, 3 * width), [batch, time, 3, heads, size]), [2, 0, 3, 1, 4])
  scores = matmul(parts[0], parts[1], transpose_rhs = true) / sqrt(size)
  weights = {drop}softmax(scores + mask){end}
  mixed = reshape(transpose(matmul(weights, parts[2]), [0, 2, 1, 3]), [batch, time, width])
  return {drop}dense(mixed, width){end}
}}

fn block(x, mask) {{
  x = x + attention(norm(x), mask)
  return x + {drop}dense(gelu(dense(norm(x), 4 * width)), width){end}
}}

model gpt(tokens: i32[batch, time = 1024], targets: i32[batch, time]) {{
  param wte: f32[vocabulary, width] = normal(0.02)
  param wpe: f32[time, width] = normal(0.02)
  // A position does not see those behind it.
  mask = select(iota([time, time], i32, axis = 0) >= iota([time, time], i32, axis = 1), 0.0, -1e9)
  x = gather(wte, tokens) + wpe
  for i in 0..layers {{
    x = block(x, mask) as block[i]
  }}
  loss cross_entropy(matmul(norm(x), wte, transpose_rhs = true), targets)
}}

training {{
  optimizer adamw(learning_rate = cosine(6e-4, warmup = 700, total = 20000), weight_decay = 0.1)
  batch 4{clip}
}}
"""

GRU = """
const steps = {depth}, inputs = 64, width = 128

model gru(x: f32[batch, steps, inputs], target: f32[batch, width]) {{
  param w: f32[inputs, 3 * width] = glorot_uniform
  param u: f32[width, 2 * width] = orthogonal
  param v: f32[width, width] = orthogonal
  param b: f32[3 * width] = zeros
  h = matmul(x[:, 0], w)[:, :width] * 0
  for t in 0..steps {{
    g = matmul({drop}x[:, t]{end}, w) + b
    gates = sigmoid(g[:, :2 * width] + matmul(h, u))
    update = gates[:, :width]
    reset = gates[:, width:]
    h = update * h + (1 - update) * tanh(g[:, 2 * width:] + matmul(reset * h, v))
  }}
  loss mse(h, target)
}}

training {{
  optimizer adam(learning_rate = 1e-3)
  batch 32{clip}
}}
"""

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("kind", choices=["gpt", "gru"])
parser.add_argument("depth", type=int)
parser.add_argument("--clip", action="store_true", help="limit the norm of all gradients together")
parser.add_argument("--dropout", type=float, help="the rate of dropouts, none by default")
arguments = parser.parse_args()

drops = arguments.dropout is not None
print({"gpt": GPT, "gru": GRU}[arguments.kind].strip().format(
    depth=arguments.depth,
    clip="\n  clip_norm 1.0" if arguments.clip else "",
    drop="dropout(" if drops else "",
    end=f", {arguments.dropout})" if drops else ""))
