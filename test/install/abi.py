"""Compares the interface that is installed with the list of what it promises:

  abi.py PREFIX LIST [--update]

The list has a line for each function with its signature, each value of an enum,
and each structure and field with size and offset. --update writes it."""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ADDED = """
These are new. If that is what you want, list them:
  python3 test/install/abi.py build/test/prefix runtime/abi.txt --update"""

BROKEN = """
Programs that were built against the lines with '-' no longer run. Either leave
what was there and add beside it (structures have `reserved` fields for that),
or raise NNC_ABI_VERSION in runtime/nnc.h, from which the soname follows, and
write the list anew:
  python3 test/install/abi.py build/test/prefix runtime/abi.txt --update"""


class Header:
    """The declarations of nnc.h and of what it includes, in words."""

    def __init__(self, text):
        text = re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)
        self.version = int(re.search(r"#define NNC_ABI_VERSION (\d+)", text)[1])
        text = re.sub(r"^#.*$|NNC_OF_INT |extern \"C\" \{", "", text, flags=re.MULTILINE)
        self.functions, self.callbacks, self.constants, self.fields = [], [], [], {}
        for kind, body, name in re.findall(
                r"typedef (enum|struct) \w+ \{(.*?)\} (\w+);", text, re.DOTALL):
            if kind == "enum":
                self.constants += [(name, c) for c in re.findall(r"\b(NNC_\w+)", body)]
            else:
                self.fields[name] = [squeeze(f) for f in body.split(";") if f.strip()]
        for declaration in re.findall(r"NNC_EXPORT (.*?);", text, re.DOTALL):
            self.functions.append(squeeze(declaration))
        for declaration in re.findall(r"typedef ([^;{]*\(\*[^;]*);", text):
            self.callbacks.append(squeeze(declaration))

    def function_names(self):
        return set(map(function_name, self.functions))


def function_name(declaration):
    return re.search(r"(\w+)\(", declaration)[1]


def squeeze(text):
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"\( ", "(", re.sub(r" *\* ?(?=\*|\w)", " *", text)).replace(" * *", " **")


def field_name(declaration):
    return re.search(r"(\w+)(\[\d+\])?$", declaration)[1]


def measure(header, include):
    """What a C compiler makes of the header's enums and structures."""
    prints = [f'printf("enum {enum} {c} = %d\\n", (int){c});'
              for enum, c in header.constants]
    for struct, fields in header.fields.items():
        prints.append(f'printf("struct {struct}: %zu bytes\\n", sizeof({struct}));')
        for field in fields:
            name = field_name(field)
            prints.append(
                f'printf("field {struct}.{name}: {field}, at %zu, %zu bytes\\n",'
                f"offsetof({struct}, {name}), sizeof((({struct} *)0)->{name}));")
    program = ("#include <nnc/nnc.h>\n#include <stdio.h>\nint main(void) {\n" +
               "\n".join(prints) + "\nreturn 0;\n}\n")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "measure.c").write_text(program, encoding="utf-8")
        run("cc", "-std=c99", f"-I{include}", "measure.c", "-o", "measure", cwd=folder)
        return run(folder + "/measure").splitlines()


def run(*command, cwd=None):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True,
                          check=True).stdout


def listing(header, include):
    lines = measure(header, include)
    lines += [f"function {function_name(f)}: {f}" for f in header.functions]
    lines += ["callback " + c for c in header.callbacks]
    return [f"abi {header.version}", *sorted(lines)]


def library_problems(header, library):
    """Where the library disagrees with the header."""
    exported = set(run("nm", "-D", "--defined-only", "--format=just-symbols",
                       library).split())
    for name in sorted(header.function_names() - exported):
        yield f"nnc.h declares {name}, which the library does not export"
    for name in sorted(exported - header.function_names()):
        yield f"the library exports {name}, which nnc.h does not declare"
    soname = re.search(r"SONAME\s+(\S+)", run("objdump", "-p", library))[1]
    if soname != f"libnnc-runtime.so.{header.version}":
        yield f"the soname is {soname}, NNC_ABI_VERSION is {header.version}"


def breaks(line):
    """Whether programs mind that a line has gone. What was reserved may shrink:
    the line of the structure's size shows if it was by too much."""
    return not re.match(r"field \w+\.reserved:", line)


def differences(listed, found):
    gone = [line for line in listed[1:] if line not in found]
    new = [line for line in found[1:] if line not in listed]
    yield from ["- " + line for line in gone]
    yield from ["+ " + line for line in new]
    if any(map(breaks, gone)) and listed[0] == found[0]:
        yield BROKEN
    elif gone or new or listed[0] != found[0]:
        yield ADDED


def main():
    prefix, path = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    files = sorted((prefix / "include/nnc").glob("*.h"))
    header = Header("\n".join(path.read_text(encoding="utf-8") for path in files))
    found = listing(header, prefix / "include")
    if "--update" in sys.argv:
        path.write_text("\n".join(found) + "\n", encoding="utf-8")
        return 0
    listed = path.read_text(encoding="utf-8").splitlines()
    problems = [*library_problems(header, prefix / "lib/libnnc-runtime.so"),
                *differences(listed, found)]
    print("\n".join(problems))
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
