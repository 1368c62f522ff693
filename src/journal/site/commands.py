"""`journal build`, `journal site`, `journal publish` and `journal zip`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from journal.content.library import library
from journal.content.repository import find_root
from journal.review.history import default_history
from journal.site.build import BuildError, build_if_changed
from journal.site.compression import compressed
from journal.site.endpoint import HistoryEndpoint
from journal.site.packing import NotOurFolderError, make_zip
from journal.site.packing import publish as publish_to
from journal.site.served_proofs import ServedProofs
from journal.site.serving import HOST, PortInUseError, listen, static_site

DEFAULT_PORT = 8000


def _site_folder(root: Path) -> Path:
    return root / "build" / "site"


def _built(root: Path) -> Path:
    folder = _site_folder(root)
    started = time.monotonic()
    try:
        if build_if_changed(root, folder):
            click.echo(f"built {folder.relative_to(root)} in {time.monotonic() - started:.0f} s")
    except BuildError as error:
        raise click.ClickException(str(error)) from error
    return folder


@click.command("build")
def build() -> None:
    """Check the content and build the site into build/site."""
    root = find_root()
    folder = _built(root)
    click.echo(f"the site is in {folder.relative_to(root)}")


@click.command("site")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help=f"Port on this machine.  [default: {DEFAULT_PORT}, or the next free one]",
)
@click.option("--proofs/--no-proofs", default=True, help="Run the quick proofs in the background, or don't.")
def site(port: int | None, *, proofs: bool) -> None:
    """Build the site if something has changed, and serve it on this machine."""
    root = find_root()
    folder = _built(root)
    known = ServedProofs(root, _one_line)
    application = compressed(HistoryEndpoint(static_site(folder), default_history(root), known))
    try:
        server = listen(application, port or DEFAULT_PORT)
    except PortInUseError as taken:
        if port or not taken.free:
            remedy = f"journal site --port {taken.free}" if taken.free else "stop what uses it"
            raise click.ClickException(f"{taken}; try: {remedy}") from taken
        click.echo(f"{taken}; using {taken.free}")
        server = listen(application, taken.free)
    click.echo(f"{library(root).settings.title} is at http://{HOST}:{server.server_port}/ (Ctrl+C stops it)")
    click.echo("Writing? `.venv/bin/mkdocs serve` shows each change as you save it.")
    if proofs:
        known.start(folder)
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("stopped")
        finally:
            known.stop()


def _one_line(text: str, last: bool) -> None:
    """Show the progress of the proofs: on one line in a terminal, elsewhere only at the end."""
    if sys.stdout.isatty():
        click.echo(f"\r\x1b[K{text}", nl=last)
    elif last:
        click.echo(text)


@click.command("publish")
@click.argument("folder", type=click.Path(path_type=Path))
def publish(folder: Path) -> None:
    """Build the site into FOLDER, for any static host."""
    try:
        publish_to(find_root(), folder.resolve())
    except (BuildError, NotOurFolderError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{folder} is ready; copy it to any static host, at the root or below any path")


@click.command("zip")
def zip_site() -> None:
    """Make build/redrive-VERSION.zip, a copy of the site that opens from disk."""
    root = find_root()
    try:
        archive = make_zip(root)
    except BuildError as error:
        raise click.ClickException(str(error)) from error
    size = archive.stat().st_size / 1e6
    click.echo(f"{archive.relative_to(root)}, {size:.1f} MB; unpack it and open index.html")
