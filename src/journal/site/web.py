"""The page's scripts, bundled by esbuild: what lies in `src/journal/web/` becomes `assets/web/` of the site.

Entries are found by looking, at any depth: `NAME.entry.js` becomes the classic script `NAME.js` for pages (a module
does not run in a page opened from disk), and `NAME.worker.js` the module `NAME.worker.js` for a Web Worker.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from journal.content.library import library
from journal.review.history.lock import exclusive
from journal.site.node import WEB, find_node, packages

FOLDER = "assets/web"
_SKIPPED = {"node_modules", "__pycache__"}
_STAMP = ".sha256"


class BundleError(Exception):
    """esbuild refused a script; the message holds what it said, with file and line."""


def bundled(root: Path, web: Path = WEB) -> Path:
    """Return the folder that holds `assets/web/`, bundling again when a source, a package or the name has changed.

    Args:
        root: the journal's folder; its declared name goes into the scripts.
        web: the folder of the scripts.

    Raises:
        NodeError: Node.js or a package could not be had.
        BundleError: a script has a fault.
    """
    name = library(root).settings.name
    target = root / "build" / "web"
    stamp = target / _STAMP
    wanted = fingerprint(web, name)
    target.parent.mkdir(exist_ok=True)
    # `mkdocs serve` may rebuild while `make site` or a test builds.
    with exclusive(target.with_name("web.lock")):
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
            return target
        fresh = target.with_name("web.building")
        shutil.rmtree(fresh, ignore_errors=True)
        out = fresh / FOLDER
        out.mkdir(parents=True)
        scripts, workers = entries(web)
        _esbuild(web, scripts, out, "--format=iife", f"--define:JOURNAL_NAME={json.dumps(name)}")
        _esbuild(web, workers, out, "--format=esm")
        (fresh / _STAMP).write_text(wanted, encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        fresh.replace(target)
    return target


def entries(web: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Return the pages' scripts and the workers below `web`, each by the name it gets, without `.js`.

    Raises:
        BundleError: two of them would get the same name.
    """
    scripts: dict[str, Path] = {}
    workers: dict[str, Path] = {}
    for path in _sources(web):
        kind = path.suffixes[-2:]
        if kind not in ([".entry", ".js"], [".worker", ".js"]):
            continue
        found = scripts if kind[0] == ".entry" else workers
        name = path.name.removesuffix(".entry.js") if kind[0] == ".entry" else path.stem
        if name in found:
            raise BundleError(f"{found[name]} and {path} would both become {FOLDER}/{name}.js; rename one")
        found[name] = path
    return scripts, workers


def fingerprint(web: Path, name: str) -> str:
    """Return a hash of every source below `web`, of the packages' lock, and of the journal's name."""
    digest = hashlib.sha256(f"{name}\0".encode())
    for path in _sources(web):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(web).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _sources(web: Path) -> list[Path]:
    found: list[Path] = []
    for folder, folders, names in os.walk(web):
        folders[:] = [name for name in folders if name not in _SKIPPED]  # thousands of files of npm's packages
        found += [Path(folder, name) for name in names]
    return sorted(found)


def _esbuild(web: Path, found: dict[str, Path], out: Path, *shape: str) -> None:
    if not found:
        return
    # Its own launcher: a binary or a script, depending on whether npm was allowed to run the package's set-up.
    launcher = shutil.which("esbuild", path=str(packages() / ".bin")) or "esbuild"
    options = ("--bundle", "--minify", "--target=es2022", "--log-level=warning", "--legal-comments=linked")
    done = subprocess.run(
        [launcher, *(f"{name}={path}" for name, path in found.items()), *options, *shape, f"--outdir={out}"],
        cwd=web,
        env=find_node().environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise BundleError(f"esbuild refused a script of {web}; it says:\n{done.stderr.strip()}")
