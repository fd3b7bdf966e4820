"""The fenced blocks of a Markdown page, with what the page says of them."""
import re
from pathlib import Path


class Block:
    def __init__(self, page, line, note, language, text):
        self.page, self.line = page, line
        # The HTML comment on the line before the block; "" if there is none.
        self.note = note
        self.language, self.text = language, text

    def where(self):
        return f"{self.page}:{self.line}"


BLOCK = re.compile(
    r"^(?:<!-- (?P<note>[^\n]*?) -->\n)?^```(?P<language>[^\n]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def blocks(path):
    page = Path(path).read_text(encoding="utf-8")
    return [
        Block(
            path,
            page.count("\n", 0, match.start("text")) + 1,
            match["note"] or "",
            match["language"],
            match["text"],
        )
        for match in BLOCK.finditer(page)
    ]
