"""The one sanitiser of card text: it makes harmless whatever was pasted into a deck.

The page, Anki and the notebook render cards with different Markdown extensions; all of them use `sanitised`.
"""

from __future__ import annotations

import html
import importlib
from functools import cache
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMES = ("http:", "https:", "mailto:")
# These let text set any attribute of an element, `onclick` included.
UNSAFE_EXTENSIONS = frozenset({"attr_list", "md_in_html"})


def sanitised(extensions: Iterable[Any], **settings: Any) -> Any:
    """Return a Markdown converter for text that isn't trusted.

    HTML stays text, no extension sets attributes, and a link may lead only to a page, a web address or a mailbox. If a
    link has another scheme, such as `javascript:`, only its text remains.
    """
    # Imported by name: the package ships no types, and only this function needs it.
    markdown = importlib.import_module("markdown")
    made = markdown.Markdown(extensions=[name for name in extensions if name not in UNSAFE_EXTENSIONS], **settings)
    made.preprocessors.deregister("html_block")
    made.inlinePatterns.deregister("html")
    made.treeprocessors.register(_safe_links(markdown), "journal_safe_links", -1)
    return made


def card_html(text: str) -> str:
    """Return the Markdown `text` of a card as HTML, for Anki and the notebook."""
    return str(_converter().reset().convert(text))


def is_safe(href: str) -> bool:
    """Whether a link may stay: it has no scheme, or a harmless one."""
    # A browser leaves out control characters and blanks: `java\\nscript:` is `javascript:` to it.
    plain = "".join(letter for letter in html.unescape(href) if letter > " ").lower()
    before, colon, _ = plain.partition(":")
    return not colon or "/" in before or "#" in before or "?" in before or plain.startswith(SCHEMES)


@cache
def _converter() -> Any:
    return sanitised(["fenced_code", "tables"])


def _safe_links(markdown: Any) -> Any:
    class SafeLinks(markdown.treeprocessors.Treeprocessor):  # type: ignore[misc]
        def run(self, root: Element) -> None:
            for element in root.iter():
                for attribute in ("href", "src"):
                    if not is_safe(element.get(attribute, "")):
                        del element.attrib[attribute]
                        element.tag = "span" if attribute == "href" else element.tag

    return SafeLinks()
