"""Code blocks of a Markdown page."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def blocks(page: Path, language: str) -> list[str]:
    """Code of a language; blocks without one are shell."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [code for name, code in fenced if name == language]


def run_blocks(page: Path) -> dict[str, object]:
    """Run the Python blocks of a page one after the other; return the names they leave."""
    names: dict[str, object] = {}
    for number, block in enumerate(blocks(page, "python"), start=1):
        exec(compile(block, f"{page.name}, python block {number}", "exec"), names)
    return names
