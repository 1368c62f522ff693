"""Links of a built site that lead nowhere, anchors included: MkDocs checks those in Markdown, not what fences write."""

from __future__ import annotations

import html
import posixpath
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from journal.content.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

_LINK = re.compile(r'<(?:a|link|script|img|source|iframe)\b[^>]*?\s(?:href|src)="([^"]*)"')
_TARGET = re.compile(r'<[^>]*?\s(?:id|name)="([^"]+)"')


def dead_links(site: Path) -> list[Problem]:
    """Return a problem for each internal link of `site`, a built site, whose page, file or anchor is not there."""
    pages = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    anchors: dict[str, frozenset[str]] = {}
    found: set[Problem] = set()
    for page, text in pages.items():
        if page == "404.html":  # its links begin with /, for it is served at any depth
            continue
        for raw in set(_LINK.findall(text)):
            link = html.unescape(raw)
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or not link:
                continue
            target = _target(site, page, unquote(parts.path))
            if target is None:
                found.add(Problem(page, 0, f"links to {link}, which is not on the site"))
            elif parts.fragment and target.endswith(".html"):
                if target not in anchors:
                    anchors[target] = frozenset(html.unescape(name) for name in _TARGET.findall(pages[target]))
                if unquote(parts.fragment) not in anchors[target]:
                    found.add(Problem(page, 0, f"links to {link}, and that page has no such anchor"))
    return sorted(found)


def _target(site: Path, page: str, path: str) -> str | None:
    if not path:
        return page
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
    if joined.startswith(".."):
        return None
    file = site / joined
    if file.is_dir():
        file /= "index.html"
    return file.relative_to(site).as_posix() if file.is_file() else None
