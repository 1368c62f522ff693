"""A notebook's page without the 600 kB of scripts and styles that mkdocs-jupyter adds; ours are in redrive.css."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from journal.site.fences.listing import notebook_title

if TYPE_CHECKING:
    from pathlib import Path

_SCRIPTS = re.compile(r"<script\b[^>]*>.*?</script\s*>", re.DOTALL | re.IGNORECASE)
_STYLES = re.compile(r"<style\b[^>]*>.*?</style\s*>", re.DOTALL | re.IGNORECASE)
_COPY = re.compile(r'<div class="zeroclipboard-container">.*?</clipboard-copy>\s*</div>', re.DOTALL)
# The same source once more, for the copy button; hidden by the styles that are taken out.
_COPY_TEXT = re.compile(r'<div class="clipboard-copy-txt"[^>]*>.*?</div>', re.DOTALL)
_ANCHOR = re.compile(r'<a class="anchor-link" href="(#[^"]*)">[^<]*</a>')


def plain(html: str) -> str:
    """Return a notebook's HTML without scripts, styles and copy buttons, of which the theme has its own."""
    for unwanted in (_SCRIPTS, _STYLES, _COPY, _COPY_TEXT):
        html = unwanted.sub("", html)
    # A block that scrolls must be reachable by keyboard.
    html = html.replace("<pre>", '<pre tabindex="0">')
    return _ANCHOR.sub(r'<a class="headerlink" href="\1" title="Link to this section">&para;</a>', html)


def description(notebook: Path) -> str:
    """Return the first sentence below a notebook's heading."""
    title, sentence = notebook_title(notebook)
    return sentence or title
