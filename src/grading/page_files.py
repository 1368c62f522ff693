"""Write files into the page's Python: the engine, an exercise's tests, the learner's code.

The page runs this text before it imports the engine, so it needs the standard library alone.
"""

from __future__ import annotations

import base64
import importlib
import os
import sys
import zlib
from pathlib import Path

ROOT = Path("/redrive")

WRITTEN_AT_S = 1_700_000_000
"""The time of every file that is given to us: compiled files name it, and are used only where it agrees."""


def prepare(files: dict[str, str]) -> None:
    """Write texts below the root that grading happens in."""
    for path, text in files.items():
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        os.utime(target, (WRITTEN_AT_S, WRITTEN_AT_S))


def prepare_compiled(files: dict[str, str]) -> None:
    """Write what was compiled when the site was built (deflated, as base64); Python and pytest take it from there."""
    for path, content in files.items():
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(zlib.decompress(base64.b64decode(content)))


def find_the_engine() -> None:
    """Let imports find the engine that was written, and keep what they compile: the build ships that."""
    sys.dont_write_bytecode = False
    sys.path.insert(0, str(ROOT / "src"))
    importlib.invalidate_caches()
