"""Links of a built site that lead nowhere, anchors included: MkDocs checks those in Markdown, not what fences write."""

from __future__ import annotations

import html
import posixpath
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from journal.content.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

# Whole tags first, each once: a page's navigation is the same hundred links again.
_TAG = re.compile(r"<[a-zA-Z][^>]*>")
_LINK = re.compile(r'<(?:a|link|script|img|source|iframe)\b[^>]*?\s(?:href|src)="([^"]*)"')
_TARGET = re.compile(r'\s(?:id|name)="([^"]+)"')


def dead_links(site: Path) -> list[Problem]:
    """Return a problem for each internal link of `site`, a built site, whose page, file or anchor is not there."""
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    pages = [name for name in files if name.endswith(".html")]
    tags = {page: set(_TAG.findall((site / page).read_text(encoding="utf-8"))) for page in pages}
    anchors: dict[str, frozenset[str]] = {}
    found: set[Problem] = set()
    for page, inside in tags.items():
        if page == "404.html":  # its links begin with /, for it is served at any depth
            continue
        for raw in {match[1] for tag in inside if (match := _LINK.match(tag))}:
            link, path, fragment = _parts(raw)
            if path is None:
                continue
            target = _target(files, page, path)
            if target is None:
                found.add(Problem(page, 0, f"links to {link}, which is not on the site"))
            elif fragment and target.endswith(".html"):
                if target not in anchors:
                    names = (name for tag in tags[target] for name in _TARGET.findall(tag))
                    anchors[target] = frozenset(html.unescape(name) for name in names)
                if fragment not in anchors[target]:
                    found.add(Problem(page, 0, f"links to {link}, and that page has no such anchor"))
    return sorted(found)


@lru_cache(maxsize=100_000)
def _parts(raw: str) -> tuple[str, str | None, str]:
    """Return an attribute's link, its path (None for one that leaves the site) and its fragment."""
    link = html.unescape(raw)
    parts = urlsplit(link)
    path = None if parts.scheme or parts.netloc or not link else unquote(parts.path)
    return link, path, unquote(parts.fragment)


def _target(files: set[str], page: str, path: str) -> str | None:
    if not path:
        return page
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
    if joined in files:
        return joined
    index = posixpath.normpath(f"{joined}/index.html")
    return index if index in files else None
