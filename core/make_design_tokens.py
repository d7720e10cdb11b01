"""Writes ``static/design-tokens.css``: the Digital Agency's design tokens that our styles use.

The agency's package has some 200 values, and a page for residents should be small. Run this again
after a style sheet began to use another one, and after taking a newer version of the package:

npm pack @digital-go-jp/design-tokens@1.1.9 && tar xzf digital-go-jp-design-tokens-1.1.9.tgz
python -m core.make_design_tokens package
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
WRITTEN = HERE / "static" / "design-tokens.css"
STYLES = ("core/static", "console/static", "public/static", "app/static")
"""Folders with our style sheets."""
FAMILIES = ("color-", "font-", "line-height-", "border-radius-", "elevation-")
"""How the names of tokens begin."""
USED = re.compile(r"var\(--([\w-]+)")
GIVEN = re.compile(r"^\s*--([\w-]+):\s*([^;]+);", re.MULTILINE)


def used_names() -> set[str]:
    """Return the tokens that our style sheets name."""
    return {
        name
        for folder in STYLES
        for file in (HERE.parent / folder).glob("*.css")
        if file != WRITTEN
        for name in USED.findall(file.read_text("utf-8"))
        if name.startswith(FAMILIES)
    }


def written_names() -> set[str]:
    """Return the tokens that the written file gives."""
    return {name for name, _ in GIVEN.findall(WRITTEN.read_text("utf-8"))}


def lines_of(given: dict[str, str], wanted: set[str]) -> Iterator[str]:
    """Return the lines of the wanted tokens and of those they refer to, in the agency's order."""
    waiting = list(wanted)
    needed: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += USED.findall(given[name])
    for name, value in given.items():
        if name in needed:
            yield f"  --{name}: {value};\n"


def main(folder: str) -> None:
    package = json.loads(Path(folder, "package.json").read_text("utf-8"))
    given = dict(GIVEN.findall(Path(folder, "dist", "tokens.css").read_text("utf-8")))
    head = (
        f"/* {package['name']} {package['version']}, Digital Agency, {package['license']} licence "
        "(design-tokens.LICENSE).\n   Made by core/make_design_tokens.py: the values are the "
        "agency's, and only those in use are here. */\n"
    )
    body = "".join(lines_of(given, used_names()))
    WRITTEN.write_text(f"{head}:root {{\n{body}}}\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
