"""Prints a field of the first object, a line each on standard input, that has it.

usage: field.py NAME
"""
import json
import sys

print(next(record[sys.argv[1]] for record in map(json.loads, sys.stdin) if sys.argv[1] in record))
