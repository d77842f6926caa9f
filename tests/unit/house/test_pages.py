"""The pages for people: each says first whom it is for and what they can do afterwards; each link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house import FILES, ROOT

PAGES = [name for name in FILES if name.endswith(".md") and (name.startswith("docs/") or name == "README.md")]
PAGES += ["CONTRIBUTING.md"]
LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Of the page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def dead(page: Path) -> list[str]:
    """Links of the page that lead to no file, or to no heading."""
    found = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_first_whom_it_is_for(name: str) -> None:
    blocks = [block for block in (ROOT / name).read_text(encoding="utf-8").split("\n\n") if block.strip()]
    first = [block for block in blocks[:3] if re.fullmatch(r"\*For [^*]+\*", block.strip())]
    assert len(first) == 1, "a paragraph *For whom. After this page you can …* below the title"


@pytest.mark.parametrize("name", PAGES)
def test_each_link_of_a_page_leads_somewhere(name: str) -> None:
    assert dead(ROOT / name) == []


def test_a_link_to_no_file_and_one_to_no_heading_are_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# There\n## A part, with `code`\n")
    page = tmp_path / "page.md"
    page.write_text("[a](there.md) [b](there.md#a-part-with-code) [c](gone.md) [d](there.md#gone) [e](https://x/y)\n")
    assert dead(page) == ["gone.md", "there.md#gone"]
