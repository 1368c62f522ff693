"""Markdown inside a fence: cards and exercise briefs, rendered apart from the page that shows them."""

from __future__ import annotations

import posixpath
import threading
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

import markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor
from markdown.util import AMP_SUBSTITUTE
from markupsafe import Markup

from journal.content.cards.markup import sanitised

if TYPE_CHECKING:
    from collections.abc import Callable

    from journal.site.fences.place import Place

_EXTENSIONS = (
    "admonition",
    "attr_list",
    "def_list",
    "md_in_html",
    "tables",
    "pymdownx.details",
    "pymdownx.highlight",
    "pymdownx.inlinehilite",
    "pymdownx.superfences",
    "pymdownx.tasklist",
    "pymdownx.smartsymbols",
)
_SETTINGS = {
    "pymdownx.highlight": {"pygments_lang_class": True},
    "pymdownx.smartsymbols": {"fractions": False},
}

_converters = threading.local()


def render(
    text: str,
    place: Place,
    *,
    folder: str,
    shift: int = 0,
    prefix: str = "",
    trusted: bool = True,
    link: Callable[[str], str] | None = None,
) -> Markup:
    """Return `text` as HTML.

    Args:
        text: Markdown.
        place: the page that shows it.
        folder: what relative links in `text` are relative to, seen from the journal's root, as `docs/quizzes`.
        shift: by how many levels headings sink.
        prefix: put before every heading's anchor, so that anchors stay unique on the page.
        trusted: False for what somebody may have pasted in, as a card: HTML in it stays text.
        link: what makes a link of a page of `docs/`; by default the place itself.
    """
    md = _markdown(trusted=trusted)
    md.reset()
    links = md.treeprocessors["journal_links"]
    assert isinstance(links, _Links)
    links.place, links.folder, links.shift, links.prefix, links.link = place, folder, shift, prefix, link
    return Markup(md.convert(text))  # noqa: S704 - `sanitised` takes out what is not trusted


def _markdown(*, trusted: bool) -> markdown.Markdown:
    """Return this thread's converter: to make one takes longer than to convert a card."""
    made: dict[str, markdown.Markdown] = _converters.__dict__
    kind = "trusted" if trusted else "untrusted"
    if kind not in made:
        make = markdown.Markdown if trusted else sanitised
        made[kind] = make(extensions=[*_EXTENSIONS, _Adapt()], extension_configs=_SETTINGS)  # type: ignore[no-untyped-call]
    return made[kind]


class _Adapt(Extension):
    def extendMarkdown(self, md: markdown.Markdown) -> None:  # noqa: N802
        md.treeprocessors.register(_Links(md), "journal_links", 1)


class _Links(Treeprocessor):
    """Adapts a text to where it is shown; `render` sets the attributes before each text."""

    place: Place
    folder: str
    shift: int
    prefix: str
    link: Callable[[str], str] | None

    def run(self, root: Element) -> None:
        for element in root.iter():
            if element.tag == "a" and (href := element.get("href")):
                new = rewrite(href, self.place, self.folder, link=self.link)
                if new is None:
                    element.tag = "span"
                    del element.attrib["href"]
                else:
                    element.set("href", new)
            if self.shift and element.tag in {"h1", "h2", "h3", "h4", "h5"}:
                element.tag = f"h{min(int(element.tag[1]) + self.shift, 6)}"
            if self.prefix and element.tag[0] == "h" and element.get("id"):
                element.set("id", self.prefix + str(element.get("id")))


def rewrite(href: str, place: Place, folder: str, *, link: Callable[[str], str] | None = None) -> str | None:
    """Return where `href`, written in a file of `folder`, leads from `place`; None when the site does not have it.

    Pages of `docs/` and notebooks are on the site, and the exercise's page stands for what is in `exercises/<slug>/`.
    """
    # Markdown writes `<name@host>` letter by letter, with a mark in place of each `&` until the page is put together.
    if href.startswith(("#", "http:", "https:", "mailto:", AMP_SUBSTITUTE)):
        return href
    path, mark, anchor = href.partition("#")
    target = posixpath.normpath(posixpath.join(folder, path))
    to = link or place.link
    if target.startswith("docs/"):
        return to(target.removeprefix("docs/") + mark + anchor)
    if target.startswith("notebooks/") and target.endswith(".ipynb"):
        return to(target + mark + anchor)
    parts = target.split("/")
    if parts[0] == "exercises" and len(parts) > 1 and place.exists(f"exercises/{parts[1]}.md"):
        return to(f"exercises/{parts[1]}.md{mark}{anchor}")
    return None
