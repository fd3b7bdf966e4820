"""A folder in which another run writes its log is left alone."""
import fcntl
import os
import subprocess

os.mkdir("log")
taken = os.open("log", os.O_RDONLY)
fcntl.flock(taken, fcntl.LOCK_EX)
train = ["nnc", "train", "model.nn", "-o", "w", "--log", "log"]
refused = subprocess.run(train, capture_output=True, text=True)
assert refused.returncode == 1, refused
assert "log: another run writes its log there; give each a folder of its own" in refused.stderr, refused
assert os.listdir("log") == [], os.listdir("log")
os.close(taken)
subprocess.run(train, check=True, capture_output=True)
assert "log.jsonl" in os.listdir("log")
