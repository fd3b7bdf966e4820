# Compiles every block of a page that is marked as a program:
#   doc-examples.py PAGE.md COMPILER...
import re
import subprocess
import sys

page, command = sys.argv[1], sys.argv[2:]
text = open(page, encoding="utf-8").read()
blocks = list(re.finditer(r"^```nnc\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
failures = 0
for block in blocks:
    result = subprocess.run(
        command + ["-"], input=block[1], capture_output=True, text=True
    )
    if result.returncode != 0 or result.stderr:
        line = text.count("\n", 0, block.start()) + 2
        print(f"{page}:{line}: this program is refused or warned about")
        print(result.stderr)
        failures += 1
print(f"{len(blocks)} programs, {failures} failures")
sys.exit(failures != 0 or not blocks)
