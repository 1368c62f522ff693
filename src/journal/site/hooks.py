"""The one hook file of mkdocs.yml, so that a plain `mkdocs serve` shows what `journal build` publishes.

A journal in another folder names a file of its own there, which says `from journal.site.hooks import *`.

Nothing here renders content: pages are made by fences. Each function only calls one that has its own tests.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

from journal.check import check_all
from journal.content.library import hold, release, release_all
from journal.review.history import default_history
from journal.site import notebook_page
from journal.site.additions import THEME, additions
from journal.site.endpoint import HistoryEndpoint
from journal.site.navigation import navigation
from journal.site.policy import CONTENT_SECURITY_POLICY
from journal.site.served_proofs import ServedProofs

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.livereload import LiveReloadServer
    from mkdocs.structure.pages import Page

# A warning on a logger below "mkdocs" stops a strict build.
log = logging.getLogger("mkdocs.journal")
_command = ""


def on_startup(*, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:  # noqa: ARG001
    """Remember whether the site is built or served."""
    global _command  # noqa: PLW0603 (MkDocs hands the command to this event alone)
    _command = command


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Write what the site holds besides `docs/`, lay our theme over Material's, order the pages, and set the policy."""
    root = _root(config)
    if str(THEME) not in config.theme.dirs:
        config.theme.dirs.insert(0, str(THEME))
    folder, problems = additions(root, from_disk=not config.use_directory_urls)
    for problem in problems:
        log.warning("%s", problem)
    made = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    config.extra["additions"] = {"folder": str(folder), "files": made}
    config.nav = navigation(root, made)
    # Snippets are named from the root, wherever the builder was started.
    config.mdx_configs["pymdownx.snippets"]["base_path"] = [str(root)]
    # `mkdocs serve` reloads through an inline script, and a page from disk has no origin that 'self' could mean.
    if _command != "serve" and config.use_directory_urls:
        config.extra["content_security_policy"] = CONTENT_SECURITY_POLICY
    if _command == "serve":
        # A missing region is reported below, with file and line; it must not end the server of somebody who writes.
        config.mdx_configs["pymdownx.snippets"]["check_paths"] = False
    return config


def on_pre_build(config: MkDocsConfig) -> None:
    """Report what is wrong with the content. `journal build` has done so before, and then says so."""
    held = hold(_root(config))  # the build sees one state of the content, and the next one what has changed since
    if os.environ.get("REDRIVE_CHECKED") != "1":
        for problem in check_all(held):
            log.warning("%s", problem)


@event_priority(100)  # before mkdocs-jupyter looks for notebooks
def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Put the additions on the site."""
    made = config.extra["additions"]
    for path in made["files"]:
        files.append(_file(path, made["folder"], config))
    return files


def on_post_build(config: MkDocsConfig) -> None:
    """Look at the content again from here on."""
    release(_root(config))


def on_build_error(**_what: Any) -> None:
    """Look at the content again after a build that failed, too."""
    release_all()


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str | None:  # noqa: ARG001
    """Strip the scripts and styles that mkdocs-jupyter puts into each notebook's page."""
    return notebook_page.plain(html) if page.file.src_uri.endswith(".ipynb") else None


def on_page_context(context: Any, *, page: Page, config: MkDocsConfig, nav: Any) -> None:  # noqa: ARG001
    """Give a notebook's page the description that other pages have in their front matter."""
    if page.file.src_uri.endswith(".ipynb") and not page.meta.get("description"):
        page.meta["description"] = notebook_page.description(Path(str(page.file.abs_src_path)))


def on_serve(server: LiveReloadServer, *, config: MkDocsConfig, builder: Any) -> LiveReloadServer:  # noqa: ARG001
    """Share the history of terminal and notebook with the pages that `mkdocs serve` shows."""
    site = server.get_app()
    assert site is not None
    server.set_app(HistoryEndpoint(site, default_history(_root(config)), ServedProofs(_root(config))))
    return server


def _file(path: str, folder: str, config: MkDocsConfig) -> File:
    return File(path, src_dir=folder, dest_dir=config.site_dir, use_directory_urls=config.use_directory_urls)


def _root(config: MkDocsConfig) -> Path:
    return Path(str(config.config_file_path)).resolve().parent
