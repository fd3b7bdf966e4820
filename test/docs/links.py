"""Fails on a link of a Markdown file to a file or heading that does not exist:

  links.py ROOT

Only links within the repository are looked at."""
import re
import sys
from pathlib import Path

LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def headings(page):
    """The anchors that GitHub gives the headings of a page."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }


def pages(root):
    """Every page of the project itself, not of what is built inside of it."""
    found = [*root.glob("*.md")]
    for folder in ("codegen", "docs", "examples", "frontend", "ir", "passes",
                   "runtime", "test", "tools"):
        found += root.glob(f"{folder}/**/*.md")
    return sorted(found)


def broken_links(page):
    text = FENCED.sub(lambda block: "\n" * block[0].count("\n"),
                      page.read_text(encoding="utf-8"))
    for link in LINK.finditer(text):
        target, _, anchor = link[1].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        line = text.count("\n", 0, link.start()) + 1
        file = page.parent / target if target else page
        if not file.exists():
            yield line, f"there is no file '{target}'"
        elif anchor and file.suffix == ".md" and anchor not in headings(file):
            yield line, f"'{file.name}' has no heading '#{anchor}'"


def main():
    root = Path(sys.argv[1])
    found = pages(root)
    problems = [
        f"{page.relative_to(root)}:{line}: error: {problem}"
        for page in found
        for line, problem in broken_links(page)
    ]
    print("\n".join([*problems, f"{len(found)} pages, {len(problems)} broken links"]))
    return bool(problems) or not found


if __name__ == "__main__":
    sys.exit(main())
