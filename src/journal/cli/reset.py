"""`journal reset`: bring an exercise's stub back, keeping a copy of what was written."""

from __future__ import annotations

import importlib

import click

from journal.repository import find_root


@click.command()
@click.argument("slug")
def reset(slug: str) -> None:
    """Restore the stub of exercise SLUG; your file is kept beside it."""
    root = find_root()
    if not (root / "exercises" / slug / f"test_{slug}.py").is_file():
        known = ", ".join(sorted(path.parent.name for path in (root / "exercises").glob("*/test_*.py"))) or "none"
        raise click.ClickException(f"there is no exercise {slug!r}; the exercises are {known}")
    result = importlib.import_module("journal.reset").reset(root, slug)
    if result is not None:
        click.echo(str(result))
