"""The copy of the site that opens from disk, as one zip file, and the folder for a static host."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path

from journal.content.library import library
from journal.site.build import build, build_if_changed
from journal.site.proof_marks import stamp

# Says that a folder is one of ours, which may be replaced.
MARKER = ".redrive-site"


class NotOurFolderError(Exception):
    """The folder holds something that this command did not put there."""


def publish(root: Path, folder: Path) -> None:
    """Build the site unless it stands, and copy it into `folder`, ready for any static host and any sub-path.

    Raises:
        NotOurFolderError: `folder` has content of somebody else's, which publishing would delete.
    """
    if folder.exists() and not folder.is_dir():
        raise NotOurFolderError(f"{folder} is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        raise NotOurFolderError(
            f"{folder} is not empty and was not made by this command; publishing would delete what is in it. "
            "Name an empty or a new folder"
        )
    built = root / "build" / "site"
    build_if_changed(root, built)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A name that nobody has: a folder of theirs beside it must not be in the way.
    fresh = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    shutil.copytree(built, fresh, dirs_exist_ok=True)
    stamp(fresh, root)
    (fresh / MARKER).write_text("made by `journal publish`, which may replace this folder\n", encoding="utf-8")
    # GitHub's static host would otherwise leave out files whose names begin with an underscore.
    (fresh / ".nojekyll").touch()
    shutil.rmtree(folder, ignore_errors=True)
    fresh.replace(folder)


def make_zip(root: Path) -> Path:
    """Build the copy that opens from disk and return the zip file: unpack it, open `index.html`."""
    name = f"{library(root).settings.name}-{version('redrive')}"
    folder = root / "build" / "from-disk"
    build(root, folder, from_disk=True)
    offline_search(folder)
    archive = root / "build" / f"{name}.zip"
    fresh = archive.with_suffix(".new")
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                # A fixed time makes equal content an equal file.
                entry = zipfile.ZipInfo(f"{name}/{path.relative_to(folder).as_posix()}", (2026, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                packed.writestr(entry, path.read_bytes())
    fresh.replace(archive)
    return archive


def offline_search(folder: Path) -> None:
    """Put the search index into a script: a page that was opened from disk may not fetch a file, but may run one."""
    index = folder / "search" / "search_index.json"
    (folder / "search" / "search_index.js").write_text(
        f"var __index = {index.read_text(encoding='utf-8')};\n", encoding="utf-8"
    )
