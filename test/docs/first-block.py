#!/usr/bin/env python3
"""Prints the first fenced block of a page."""
import re, sys

print(re.search(r"```\n(.*?)```", open(sys.argv[1]).read(), re.S)[1])
