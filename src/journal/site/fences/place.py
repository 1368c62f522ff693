"""Where a fence stands: which page, below which root, and so how another page is reached from it."""

from __future__ import annotations

import logging
import posixpath
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from journal.content.library import library
from journal.content.repository import find_root

if TYPE_CHECKING:
    from markdown import Markdown

    from journal.content.library import Library

# A warning on a logger below "mkdocs" stops a strict build.
log = logging.getLogger("mkdocs.journal.fences")
# Where pages lie that are made before a build, relative to the root; see `journal.site.additions`.
ADDITIONS = Path("build") / "additions"


@dataclass(frozen=True, slots=True)
class Place:
    """The page that is being rendered.

    Attributes:
        root: the journal's folder, absolute.
        page: the page's source relative to `docs/`, as `lessons/day-134-grpc-skeleton.md`.
        directory_urls: whether `a/b.md` becomes `a/b/` (any host) or `a/b.html` (opened from disk).
        source_links: write links as paths of sources, for a builder that makes addresses of them, in HTML too.
    """

    root: Path
    page: str
    directory_urls: bool = True
    source_links: bool = False

    @property
    def docs(self) -> Path:
        """The folder that `page` is relative to."""
        return self.root / "docs"

    @property
    def library(self) -> Library:
        """What the journal holds."""
        return library(self.root)

    def link(self, target: str) -> str:
        """Return the relative link to `target`: a source relative to `docs/`, or `notebooks/x.ipynb`, and its #anchor.

        A target that does not exist is logged as a warning, which stops a strict build.
        """
        path, mark, anchor = target.partition("#")
        if path and not self.exists(path):
            log.warning("docs/%s: links to %s, which does not exist", self.page, path)
        if self.source_links:
            start = posixpath.dirname(self.page) or "."
            return f"#{anchor}" if path in {"", self.page} else posixpath.relpath(path, start) + mark + anchor
        here = self.url(self.page)
        there = self.url(path) if path else here
        if there == here and mark:
            return f"#{anchor}"
        start = here if here.endswith("/") or not here else posixpath.dirname(here)
        relative = posixpath.relpath(there or ".", start or ".")
        if there.endswith("/") or not there:
            relative += "/"
        return relative + mark + anchor

    def exists(self, path: str) -> bool:
        """Return whether `path`, relative to `docs/` (a notebook: to the root), is there or is made before a build."""
        if path.startswith("proofs/"):  # made from the very marks that lead there
            return True
        return ((self.root if path.endswith(".ipynb") else self.docs) / path).is_file()

    def url(self, path: str) -> str:
        """Return the URL of a source relative to the site's root."""
        stem, dot, suffix = path.rpartition(".")
        if not dot or suffix not in {"md", "ipynb"}:
            return path
        folder, _, name = stem.rpartition("/")
        if name == "index":
            return (f"{folder}/" if folder else "") + ("" if self.directory_urls else "index.html")
        return f"{stem}/" if self.directory_urls else f"{stem}.html"


@cache
def _folder_of(file: str) -> Path:
    return Path(file).resolve().parent


def place_of(md: Markdown | None) -> Place:
    """Return the place of the page that `md` is converting; with bare Markdown, the home page of the journal around us.

    Only MkDocs' own tree processor knows its page, and only Zensical's preprocessor knows Zensical's.
    """
    if md is not None and "relpath" in md.treeprocessors:
        relpath: Any = md.treeprocessors["relpath"]
        return Place(
            root=_folder_of(relpath.config.config_file_path),
            page=relpath.file.src_uri,
            directory_urls=bool(relpath.config.use_directory_urls),
        )
    if md is not None and "rendering_context" in md.preprocessors:
        context: Any = md.preprocessors["rendering_context"]
        return Place(root=find_root(), page=str(context.page.path), source_links=True)
    return Place(root=find_root(), page="index.md")
