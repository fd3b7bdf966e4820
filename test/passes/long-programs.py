"""Prints a program of many ops in a row: long-programs.py KIND COUNT."""

import sys

LINES = {
    "adds": "h = h + x * 0.5",
    "tanhs": "h = tanh(h)",
    "layers": "h = relu(dense(h, 4))",
    "gates": "h = tanh(matmul(h, w) + b) * sigmoid(h)",
    "losses": "loss mse(h, y, l2 = 0.5)",
}

kind, count = sys.argv[1], int(sys.argv[2])
print(f"""model {kind}(x: f32[batch, 4], y: f32[batch, 4]) {{
  param w: f32[4, 4] = glorot_uniform
  param b: f32[4] = zeros
  h = dense(x * b, 4) + matmul(x, w)
  for i in 0..{count} {{
    {LINES[kind]}
  }}
  loss mse(h, y)
}}

training {{
  optimizer sgd(0.1)
  batch 8
}}""")
