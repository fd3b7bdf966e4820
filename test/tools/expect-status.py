"""Runs a command and expects its exit status:

  expect-status.py STATUS COMMAND..."""
import subprocess
import sys

status = subprocess.run(sys.argv[2:]).returncode
if status != int(sys.argv[1]):
    print(f"{' '.join(sys.argv[2:])}: exit status {status}, expected {sys.argv[1]}", file=sys.stderr)
    sys.exit(1)
