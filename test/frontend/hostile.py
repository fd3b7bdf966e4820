# Gives a compiler programs that are out to break it: each must end in a message,
# exit status 1, and nothing worse, within a minute (what is quadratic takes hours).
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
    "a carriage return in a string": 'const s = "a\rb"\n' + model("  y = x"),
    "an escape sequence": model("  y = x // \x1b[2J"),
    "a control character of two bytes": model("  y = x // \u0085"),
    "an index that overflows": model(f"  y = x[:, {2**63 - 1}]"),
    "a number that overflows": f"const a = -{2**63 - 1} - 1, b = -a\n" + model("  y = x"),
    "many unknown names in one line": model("  y = [" + "".join(f"z{i}, " for i in range(99_999))
                                            + "z]"),
    "many ops in one line": model("  y = [" + "x + x, " * 400_000 + "x + z]"),
    "many names and many loops": model(
        "".join(f"  n{i} = {i}\n" for i in range(100_000))
        + "  for i in 0..20000 {\n" + "    for j in 0..2 {\n    }\n" * 30 + "  }"),
    "many arguments": "fn f(" + "".join(f"a{i}, " for i in range(100_000)) + ") {\n  return 0\n}\n"
    + model("  y = f(" + "".join(f"a{i} = {i}, " for i in range(99_999)) + ")"),
}
# What is bounded, and how that is said (frontend/dsl/Limits.h).
limits = {
    "a list that doubles": (
        model("  l = [1, 2]\n  for i in 0..50 {\n    l = [l, l]\n  }"),
        ":4:9: error: this list has 2097152 elements, those of the lists in it counted: at most "
        "2000000 are supported"),
    "a list that deepens": (
        model("  l = [1, 2]\n  for i in 0..100000 {\n    l = [l]\n  }"),
        ":4:9: error: lists are nested more than 64 deep here"),
    "a list that is used again and again": (
        model("  l = [1, 2]\n  for i in 0..18 {\n    l = [l, l]\n  }\n"
              "  for i in 0..100000 {\n    y = concat(l)\n    z = x + l\n  }"),
        "error: the program does not come to an end: more than 2000000 steps"),
    "loops of nothing": (
        model("  for i in 0..100000 {\n    for j in 0..100000 {\n    }\n  }"),
        ":3:5: error: the program does not come to an end: more than 2000000 steps"),
    "a file": ("//" * (2 << 20) + "\n",
               ":1:1: error: the file has 4194305 bytes: at most 4194304 are supported"),
    "a name": (model("  y = " + "a" * 257),
               ":2:7: error: this name is 257 bytes long: at most 256 are supported"),
    "a number": (model("  y = x * 0." + "1" * 300),
                 ":2:11: error: this number is 302 bytes long: at most 256 are supported"),
    "a string": (f'const s = "{"a" * 4097}"\n' + model("  y = x"),
                 ":1:11: error: this string is 4099 bytes long: at most 4096 are supported"),
    "a name of scopes": (
        "".join(f"fn f{i}(x) {{\n  return f{i + 1}(x) as {'s' * 250}\n}}\n" for i in range(5))
        + "fn f5(x) {\n  return dense(x, 4)\n}\n" + model("  x = f0(x)"),
        "error: the name of this scope is 1257 bytes long: at most 1024 are supported"),
    "a list for a reader": (
        f'const s = "{"a" * 4096}"\n' + model("  y = x") +
        "data {\n  train x = csv(\"f\", columns = [" + "s, " * 300 + "s])\n}\n",
        "error: this list is longer than 1048576 bytes of text"),
}
programs.update({"too much of " + name: program for name, (program, _) in limits.items()})

failures = 0
for name, program in programs.items():
    source = program if isinstance(program, bytes) else program.encode()
    _, expected = limits.get(name.removeprefix("too much of "), ("", ": error: "))
    result = subprocess.run(sys.argv[1:] + ["-"], input=source, capture_output=True, timeout=60)
    if result.returncode != 1 or expected.encode() not in result.stderr:
        print(f"{name}: exit status {result.returncode}, expected {expected}")
        print(result.stderr[:500].decode(errors="replace"))
        failures += 1
sys.exit(failures != 0)
