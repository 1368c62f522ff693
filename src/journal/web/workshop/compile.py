"""Compile a folder of sources to `.pyc` files in one uncompressed zip; run by Pyodide in Node while the site is built.

Only the interpreter that will read them may make them. The hash-based, unchecked form holds no time, so that the same
sources give the same file, and the reader does not look for a source. Docstrings are left out, a fifth of the bytes;
assertions stay.
"""

import ast
import importlib.util
import warnings
import zipfile
from importlib import _bootstrap_external as external
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")


def without_docstrings(source: bytes) -> ast.Module:
    """Parse a source and leave out what only a reader of it needs."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None:
            first = node.body.pop(0)
            if not node.body and not isinstance(node, ast.Module):
                node.body.append(ast.copy_location(ast.Pass(), first))
    return tree


def compiled(source: bytes, name: str) -> bytes:
    """Return the content of a .pyc file."""
    code = compile(without_docstrings(source), name, "exec", dont_inherit=True, optimize=0)
    pyc: Any = external._code_to_hash_pyc  # type: ignore[attr-defined]
    return bytes(pyc(code, importlib.util.source_hash(source), checked=False))


def compile_folder(folder: str, prefix: str, target: str) -> None:
    """Write every file of `folder` to the zip `target`: Python as .pyc whose tracebacks name `prefix`/path."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_dir():
                continue
            name = path.relative_to(folder).as_posix()
            content = path.read_bytes()
            if name.endswith(".py"):
                content, name = compiled(content, f"{prefix}/{name}"), f"{name}c"
            packed.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
