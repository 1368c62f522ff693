"""A card's Markdown as HTML, for Anki and the notebook; what looks like HTML in it stays text."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any


def card_html(text: str) -> str:
    """Return the Markdown `text` as HTML; raw HTML in it is escaped, so a card can never bring a script along."""
    return str(_converter().reset().convert(text))


@cache
def _converter() -> Any:
    # Imported by name: the package ships no types, and only this function needs it.
    made = importlib.import_module("markdown").Markdown(extensions=["fenced_code", "tables"])
    made.preprocessors.deregister("html_block")
    made.inlinePatterns.deregister("html")
    return made
