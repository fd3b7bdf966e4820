"""Fails unless two safetensors files hold the same tensors, bit for bit. Their
headers may say other things:

  same-tensors.py FOLDER-OF-SAFETENSORS.PY A B"""
import sys

sys.path.insert(0, sys.argv[1])
import safetensors

a, b = map(safetensors.load, sys.argv[2:])
assert a.keys() == b.keys() and a, (a.keys(), b.keys())
different = [name for name in a if a[name].tobytes() != b[name].tobytes()]
assert not different, different
print(f"{len(a)} tensors are the same")
