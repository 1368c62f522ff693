"""Restore an exercise's stub without losing what the learner wrote."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grading.lay_over import lay_over
from grading.overlay import stub_text
from grading.steps import find_slugs

if TYPE_CHECKING:
    from pathlib import Path


class ResetError(Exception):
    """The stub could not be restored; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Reset:
    """What a reset did: the file that it restored, and the copy that it kept (None if the file was still the stub)."""

    file: Path
    kept: Path | None


def reset(root: Path, slug: str, code: Path | None = None) -> Reset:
    """Restore `exercises/<slug>/<slug>.py` from git's HEAD, keeping a copy of the learner's file in `.redrive/kept/`.

    The copy is on the disk before the file is replaced, and the replacement is atomic. So an interrupted reset loses
    nothing.

    Args:
        root: the journal's folder.
        slug: the exercise.
        code: a file whose code is laid over the stub, such as the learner's own or a kept copy; None for the bare stub.

    Raises:
        ResetError: there is no such exercise, git does not hold its stub, or the code can't be laid over it.
    """
    file = root / "exercises" / slug / f"{slug}.py"
    known = find_slugs(root)
    if slug not in known:
        raise ResetError(f"there is no exercise {slug!r}; there are {', '.join(known) or 'none'}")
    stub = stub_text(root, slug)
    if stub is None:
        raise ResetError(
            f"git's HEAD holds no exercises/{slug}/{slug}.py (is this a git clone?), so there is no stub to restore"
        )
    if code is not None:
        stub = _with_code(stub, code)
    kept = None
    if file.exists():
        mine = file.read_bytes()
        if mine.replace(b"\r\n", b"\n") == stub.encode("utf-8"):
            return Reset(file, None)
        kept = _keep(root, slug, mine)
    beside = file.with_name(f".{slug}.new")
    _write(beside, stub.encode("utf-8"))
    beside.replace(file)
    return Reset(file, kept)


def _with_code(stub: str, code: Path) -> str:
    try:
        return lay_over(stub, code.read_text(encoding="utf-8"), str(code))
    except OSError as error:
        raise ResetError(f"{code}: {error.strerror}; nothing was changed") from error
    except SyntaxError as error:
        raise ResetError(f"{code}:{error.lineno} is not valid Python: {error.msg}; nothing was changed") from error
    except ValueError as error:
        raise ResetError(f"{error}; nothing was changed") from error


def _keep(root: Path, slug: str, content: bytes) -> Path:
    folder = root / ".redrive" / "kept"
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        target = folder / f"{slug}-{number}.py"
        try:
            _write(target, content)
        except FileExistsError:
            number += 1
        else:
            return target


def _write(target: Path, content: bytes) -> None:
    mode = "xb" if target.parent.name == "kept" else "wb"
    with target.open(mode) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
