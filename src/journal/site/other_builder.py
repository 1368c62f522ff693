"""The site for a builder that knows no hooks: one folder with all pages, and a configuration that names it.

MkDocs 1 and its theme come to their end; what is built today can be built by Zensical, which reads mkdocs.yml, ignores
hooks and plugins, and renders the same Markdown extensions. See ADR 0019.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from journal.site.additions import THEME, additions, assembled
from journal.site.navigation import navigation

if TYPE_CHECKING:
    from pathlib import Path


def prepare(root: Path, folder: Path) -> tuple[Path, list[str]]:
    """Write what another builder needs into `folder`, which must lie below `root`.

    Returns:
        The configuration, and what could not be made. The site goes into `folder/site`. The builder has to be started
        in `root`, which is where snippets are named from.
    """
    problems = assembled(root, folder / "docs")
    made, _ = additions(root)
    pages = [path.relative_to(made).as_posix() for path in sorted(made.rglob("*.md"))]
    settings: dict[str, Any] = {
        "INHERIT": str(root / "mkdocs.yml"),
        "docs_dir": "docs",
        "site_dir": "site",
        "nav": _without_notebooks(navigation(root, pages)),
        "theme": {"custom_dir": str(THEME)},
    }
    config = folder / "mkdocs.yml"
    # JSON is YAML, and quotes itself.
    config.write_text(json.dumps(settings, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return config, problems


def _without_notebooks(nav: list[Any]) -> list[Any]:
    """Leave out what only a plugin renders; the notebook itself is on the site, to download."""
    kept: list[Any] = []
    for item in nav:
        if isinstance(item, str):
            if not item.endswith(".ipynb"):
                kept.append(item)
        else:
            ((title, below),) = item.items()
            kept.append({title: below if isinstance(below, str) else _without_notebooks(below)})
    return kept
