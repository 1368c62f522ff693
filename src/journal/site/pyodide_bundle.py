"""Python for the page: the few Pyodide files and one archive of packages, made once and kept below `build/`.

    build/pyodide/<hash>/assets/pyodide-<version>/   becomes that folder of the site
        pyodide.mjs, pyodide.asm.mjs                 as npm ships them
        pyodide.asm.wasm.bin                         gzip; a host that compresses nothing would send three times as much
        stdlib-<hash>.zip, packages-<hash>.zip       compiled by that very interpreter: compiling them in the page would
                                                     be the largest part of a first grade

The packages are those of this environment, so what grades in the page is what grades in the terminal.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import tempfile
import zipfile
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath
from typing import Any

from journal.content.library import library
from journal.review.history.lock import exclusive
from journal.site.node import WEB, NodeError, find_node, packages

PACKAGES = (
    "pytest", "pluggy", "iniconfig", "packaging", "pygments", "redis", "fakeredis", "sortedcontainers",
)  # fmt: skip
"""What the grading engine imports, with what that needs; every one is pure Python. Exercises declare what they add."""

_SCRIPTS = ("pyodide.mjs", "pyodide.asm.mjs")
_COMPILER = ("compile.mjs", "compile.py")
# pytest's terminal imports Pygments; it colours Python, and nothing here is coloured anyway.
_PYGMENTS = {
    "lexers": {"__init__.py", "_mapping.py", "python.py", "diff.py"},
    "formatters": {"__init__.py", "_mapping.py", "terminal.py"},
    "styles": {"__init__.py", "_mapping.py", "default.py"},
    "filters": {"__init__.py"},
}
# What no program in a page can use (help topics, a terminal, processes, mail, installing), and what none here does.
_NOT_IN_A_PAGE = {
    "pydoc_data", "pydoc", "doctest", "pdb", "_pyrepl", "rlcompleter", "curses", "tkinter", "turtle",
    "turtledemo", "idlelib", "multiprocessing", "ensurepip", "venv", "zipapp", "lib2to3", "__phello__", "site-packages",
    "xml", "xmlrpc", "dbm", "mailbox", "imaplib", "poplib", "smtplib", "ftplib", "webbrowser", "wave", "pstats",
    "profile", "cProfile", "trace", "tabnanny", "pickletools", "sqlite3", "antigravity", "this",
}  # fmt: skip
_FIXED = (2026, 1, 1, 0, 0, 0)


def runtime(root: Path) -> Path:
    """Return the folder that holds `assets/pyodide-<version>/`, making it when a version has changed.

    Raises:
        NodeError: Node.js or a package could not be had, or compiling failed.
    """
    npm = packages() / "pyodide"
    folder = root / "build" / "pyodide" / _key(root, npm)
    if (folder / "runtime.json").is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    # `mkdocs serve` may rebuild while `make site` or a test builds.
    with exclusive(folder.parent.with_name("pyodide.lock")):
        if (folder / "runtime.json").is_file():
            return folder
        fresh = folder.with_name(f"{folder.name}.building")
        shutil.rmtree(fresh, ignore_errors=True)
        _make(root, npm, fresh)
        for old in folder.parent.iterdir():
            if old != fresh:
                shutil.rmtree(old, ignore_errors=True)
        fresh.replace(folder)
    return folder


def packages_of(root: Path) -> tuple[str, ...]:
    """Return the packages that the page gets: the engine's, and those that exercises declare."""
    declared = {name for course in library(root).courses.values() for name in course.packages}
    return (*PACKAGES, *sorted(declared - set(PACKAGES)))


def manifest(folder: Path) -> dict[str, Any]:
    """Return what the page is told of `runtime()`'s folder: where the files are, and the bytes of each."""
    told: dict[str, Any] = json.loads((folder / "runtime.json").read_text(encoding="utf-8"))
    return told


def precompiled(folder: Path, asked: dict[str, Any]) -> dict[str, str]:
    """Return the engine and the tests compiled, path to base64; made again when one of them has changed.

    Args:
        folder: what `runtime()` returned.
        asked: `runtime`, as the page gets it, and `exercises`, each with `slug`, `stub` and `files`.

    Raises:
        NodeError: Pyodide did not run.
    """
    web = WEB / "workshop"
    text = json.dumps(asked, sort_keys=True)
    digest = hashlib.sha256(f"{folder.name}\0{text}\0".encode())
    for name in ("grading.js", "precompile.mjs"):
        digest.update((web / name).read_bytes())
    kept = folder / "compiled.json"
    if kept.is_file():
        content = json.loads(kept.read_text(encoding="utf-8"))
        if content["key"] == digest.hexdigest():
            return dict(content["files"])
    runtime = asked["runtime"]
    place = folder / "assets" / runtime["folder"]
    done = find_node().run("node", str(web / "precompile.mjs"), str(place), folder=web, given=text)
    if done.returncode:
        said = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise NodeError(f"grading the stubs in Node, to compile the tests, failed; it says:\n{said}")
    files: dict[str, str] = json.loads(done.stdout)
    kept.write_text(json.dumps({"key": digest.hexdigest(), "files": files}), encoding="utf-8")
    return files


def _key(root: Path, npm: Path) -> str:
    versions = [f"{name}=={distribution(name).version}" for name in packages_of(root)]
    digest = hashlib.sha256("\n".join([_version(npm), *versions]).encode())
    for path in (Path(__file__), *(WEB / "workshop" / name for name in _COMPILER)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _version(npm: Path) -> str:
    return str(json.loads((npm / "package.json").read_text(encoding="utf-8"))["version"])


def _make(root: Path, npm: Path, folder: Path) -> None:
    version = _version(npm)
    out = folder / "assets" / f"pyodide-{version}"
    out.mkdir(parents=True)
    for name in _SCRIPTS:
        shutil.copy2(npm / name, out / name)
    wasm = out / "pyodide.asm.wasm.bin"
    wasm.write_bytes(gzip.compress((npm / "pyodide.asm.wasm").read_bytes(), 9, mtime=0))
    with tempfile.TemporaryDirectory(prefix="redrive-pyodide-") as name:
        work = Path(name).resolve()
        _unpack_stdlib(npm / "python_stdlib.zip", work / "stdlib")
        _gather_packages(packages_of(root), work / "packages")
        _compile(work)
        archives = {kind: _pack(work / f"{kind}.zip", out, kind) for kind in ("stdlib", "packages")}
    files = {"wasm": wasm.name, **archives}
    sizes = {name: (out / name).stat().st_size for name in (*_SCRIPTS, *files.values())}
    told = {"folder": out.name, "files": files, "sizes": sizes}
    (folder / "runtime.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _unpack_stdlib(archive: Path, target: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        for name in packed.namelist():
            if name.partition("/")[0].removesuffix(".py") not in _NOT_IN_A_PAGE and not name.endswith("/"):
                packed.extract(name, target)


def _gather_packages(names: tuple[str, ...], target: Path) -> None:
    for name in names:
        found = distribution(name)
        for file in found.files or ():
            path = PurePosixPath(file.as_posix())
            if _is_wanted(path):
                copy = target / path
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(found.locate_file(file)), copy)


def _is_wanted(path: PurePosixPath) -> bool:
    if path.is_absolute() or ".." in path.parts or "tests" in path.parts:
        return False
    if path.parts[0].endswith(".dist-info"):
        return path.name in {"METADATA", "entry_points.txt"}
    if path.parts[0] == "pygments" and len(path.parts) > 2:
        return path.name in _PYGMENTS.get(path.parts[1], set())
    return path.suffix in {".py", ".json"}


def _compile(work: Path) -> None:
    compiler = WEB / "workshop" / _COMPILER[0]
    folders = [
        part
        for kind, prefix in (("stdlib", "/lib/python3.14"), ("packages", "/lib/python3.14/site-packages"))
        for part in (str(work / kind), prefix, str(work / f"{kind}.zip"))
    ]
    done = find_node().run("node", str(compiler), *folders, folder=compiler.parent)
    if done.returncode:
        said = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise NodeError(f"compiling Python for the page failed; Pyodide says:\n{said}")


def _pack(stored: Path, out: Path, kind: str) -> str:
    content = stored.read_bytes()
    name = f"{kind}-{hashlib.sha256(content).hexdigest()[:12]}.zip"
    with zipfile.ZipFile(stored) as source, zipfile.ZipFile(out / name, "w") as packed:
        for entry in source.infolist():
            info = zipfile.ZipInfo(entry.filename, _FIXED)
            info.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(info, source.read(entry), compresslevel=9)
    return name
