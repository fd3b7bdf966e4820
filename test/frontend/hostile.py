# Gives a compiler programs that are out to break it: each must end in a message,
# exit status 1, and nothing worse.
#   hostile.py COMPILER...
import subprocess
import sys

DEEP = 100_000


def model(body):
    return f"model m(x: f32[batch, 4]) {{\n{body}\n  output x\n}}\n"


functions = "".join(
    f"fn f{i}(x) {{\n  return {'(' * 50}f{i + 1}(x){')' * 50}\n}}\n" for i in range(3000)
)
programs = {
    "nothing": "",
    "parentheses": model("  y = " + "(" * DEEP + "x"),
    "lists": model("  y = " + "[" * DEEP),
    "minus signs": model("  y = " + "-" * DEEP + "x"),
    "a sum": model("  y = " + "+".join(["x"] * DEEP)),
    "a power": model("  y = " + "**".join(["x"] * DEEP)),
    "subscripts": model("  y = x" + "[0]" * DEEP),
    "calls": model("  y = " + "exp(" * DEEP),
    "blocks": model("  if true {\n" * DEEP),
    "a chain of else": model("  if false { }" + " else if false { }" * DEEP),
    "braces": "}" * DEEP,
    "a deep tree of functions": functions
    + "fn f3000(x) {\n  return x\n}\n"
    + model("  y = f0(x)"),
    "a zero byte": "model m\0(x: f32[batch, 4]) { output x }",
    "a zero byte in a string": 'const s = "a\0b"\n' + model("  y = x"),
    "a half character": b"model m(x: f32[batch, 4]) { output x } // \xc3",
}

failures = 0
for name, program in programs.items():
    source = program if isinstance(program, bytes) else program.encode()
    result = subprocess.run(sys.argv[1:] + ["-"], input=source, capture_output=True)
    if result.returncode != 1 or b": error: " not in result.stderr:
        print(f"{name}: exit status {result.returncode}")
        print(result.stderr[:500].decode(errors="replace"))
        failures += 1
sys.exit(failures != 0)
