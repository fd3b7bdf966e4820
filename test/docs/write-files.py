"""Writes the blocks of a page that a comment names as files:

  write-files.py PAGE.md FOLDER"""
import re
import sys
from pathlib import Path

from pages import blocks

page, folder = sys.argv[1:]
named = [b for b in blocks(page) if re.fullmatch(r"[\w.-]+\.\w+", b.note)]
for block in named:
    Path(folder, block.note).write_text(block.text, encoding="utf-8")
sys.exit(not named)
