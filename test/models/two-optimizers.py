"""Writes models `a` and `b`, and `both` of them side by side with an optimizer
each, and their data. Usage: two-optimizers.py FOLDER."""
import pathlib, sys
import numpy as np

folder = pathlib.Path(sys.argv[1])
random = np.random.default_rng(7)
for name in ("x", "t"):
    np.save(folder / f"{name}.npy", random.standard_normal((24, 3), dtype=np.float32))

# Each with clipping and a schedule of its own, and state.
UPDATES = {
    "a": 'optimizer = {name = "adam", beta1 = 0.8}, learning_rate = {name = "cosine", base = 0.05, warmup = 2, total = 9}, clip_norm = 0.5',
    "b": 'optimizer = {name = "momentum"}, learning_rate = 0.02, clip_value = 0.25',
}
DATA = """batch = 8 : i64, data = [
  {split = "train", inputs = ["x"], reader = "npy", arguments = {path = "x.npy"}},
  {split = "train", inputs = ["t"], reader = "npy", arguments = {path = "t.npy"}}]"""


def parameter(name):
    return f"nnc.parameter @{name}.w : tensor<3x3xf32> = <constant, {{value = 0.125}}>\n"


def loss(name):
    return f"""  %{name} = nnc.read @{name}.w : tensor<3x3xf32>
  %p{name} = nnc.matmul %x, %{name} : (tensor<?x3xf32>, tensor<3x3xf32>) -> tensor<?x3xf32>
  %l{name} = nnc.mse %p{name}, %t : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<f32>
  nnc.loss %l{name} : tensor<f32>
"""


def model(name, parts, recipe):
    text = "".join(map(parameter, parts)) + f"""nnc.model @{name}(%x: tensor<?x3xf32> {{nnc.name = "x"}}, %t: tensor<?x3xf32> {{nnc.name = "t"}})
    attributes {{{recipe}, {DATA}}} {{
""" + "".join(map(loss, parts)) + "}\n"
    (folder / f"{name}.mlir").write_text(text)


for name, update in UPDATES.items():
    model(name, [name], update)
named = f'{{name = "b", parameters = ["b.*"], {UPDATES["b"]}}}'
model("both", "ab", f'{UPDATES["a"]}, updates = [{named}]')
first = f'{{name = "first", parameters = ["a.*"], {UPDATES["a"]}}}'
model("named", "ab", f"updates = [{first}, {named}]")
