"""The history's file: append-only, one event a line, safe against several writers and against being killed.

An append takes the lock, sets a torn last line aside, writes whole lines with one `write`, and returns only after
`fsync`: what was acknowledged is on the disk. Nothing that stands in the file is ever rewritten. A line that is no
event stays where it is and is reported with its number.
"""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from journal.content.problems import Problem
from journal.review.history.events import Event, EventError, in_order, parse_line
from journal.review.history.lock import exclusive
from journal.review.history.renumbering import Renumbering

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a history file holds: its events by (instant, id), and every line that could not be read."""

    events: tuple[Event, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did."""

    added: int
    already_there: int
    problems: tuple[Problem, ...]


class History:
    """The events of one learner.

    Args:
        path: their file; with None nothing is read from disk or written to it.
        renumbering: returns what the step numbers of old runs mean now; it is asked when events are read.
    """

    def __init__(self, path: Path | None, renumbering: Callable[[], Renumbering] = Renumbering) -> None:
        self.path = path
        self.renumbering = renumbering
        self._kept: list[Event] = []

    @property
    def torn_path(self) -> Path:
        """Where torn lines are set aside."""
        return _beside(self._file, ".torn")

    @property
    def _file(self) -> Path:
        if self.path is None:
            raise ValueError("this history is kept in memory and has no file")
        return self.path

    def load(self) -> Loaded:
        """Return all events. A torn last line is set aside first and reported.

        Raises:
            OSError: the file is there and cannot be read.
        """
        if self.path is None:
            return Loaded(tuple(map(self.renumbering().now, in_order(self._kept))), ())
        data, torn = self.read()
        loaded = read_events(data, str(self.path), renumbering=self.renumbering())
        return Loaded(loaded.events, (*torn, *loaded.problems))

    def read(self) -> tuple[bytes, list[Problem]]:
        """Return the file as it is, "" where there is none. A torn last line is set aside first and reported.

        Raises:
            OSError: the file is there and cannot be read.
            ValueError: the history is kept in memory.
        """
        path = self._file
        if not path.exists():
            return b"", []
        try:
            with exclusive(_beside(path, ".lock")):
                torn = self._set_torn_line_aside()
                return path.read_bytes(), torn
        except OSError as error:
            if error.errno not in {errno.EACCES, errno.EPERM, errno.EROFS}:
                raise
            # A history on a read-only disk can still be looked at; a torn line then counts as an unreadable one.
            return path.read_bytes(), []

    def append(self, *events: Event) -> None:
        """Write `events` and return once they are on the disk.

        Raises:
            OSError: the disk refused; then none of them is acknowledged.
        """
        if self.path is None:
            self._kept += events
            return
        if not events:
            return
        created = not self.path.exists()
        self._make_folder()
        with exclusive(_beside(self.path, ".lock")):
            self._set_torn_line_aside()
            self._write(events)
            if created:
                _sync_folder(self.path.parent)

    def merge(self, other: Path) -> Merged:
        """Add every event of the file `other` that is not here, later versions included; `other` is left alone.

        Two different events under one id are reported, and the one that is here stays.

        Raises:
            OSError: `other` cannot be read.
        """
        theirs = read_events(other.read_bytes(), str(other))
        problems = list(theirs.problems)
        if self.path is None:
            mine = {event.id: event for event in self._kept}
            added = [event for event in theirs.events if event.id not in mine]
            self._kept += added
        else:
            self._make_folder()
            with exclusive(_beside(self.path, ".lock")):
                problems += self._set_torn_line_aside()
                data = self.path.read_bytes() if self.path.exists() else b""
                mine = {event.id: event for event in read_events(data, str(self.path)).events}
                added = [event for event in theirs.events if event.id not in mine]
                self._write(added)
                _sync_folder(self.path.parent)
        problems += [
            Problem(str(other), 0, f"event {event.id} differs from the one that is already here, which stays")
            for event in theirs.events
            if event.id in mine and event != mine[event.id]
        ]
        return Merged(len(added), len(theirs.events) - len(added), tuple(problems))

    def _make_folder(self) -> None:
        folder = self._file.parent
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            # A folder whose own entry is not on the disk takes the file with it when the power fails.
            _sync_folder(folder.parent)

    def _write(self, events: Sequence[Event]) -> None:
        if not events:
            return
        data = "".join(f"{event.line}\n" for event in events).encode("utf-8")
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            _sync(descriptor)
        finally:
            os.close(descriptor)

    def _set_torn_line_aside(self) -> list[Problem]:
        """Move what follows the last line end to the side file; a whole event there only lacks its line end."""
        path = self._file
        if not path.exists():
            return []
        with path.open("rb+") as file:
            tail, start = _tail(file.seek(0, os.SEEK_END), file)
            if not tail:
                return []
            if _is_event(tail):
                file.seek(0, os.SEEK_END)
                file.write(b"\n")
                file.flush()
                _sync(file.fileno())
                return []
            with self.torn_path.open("ab") as aside:
                aside.write(tail + b"\n")
                aside.flush()
                _sync(aside.fileno())
            file.truncate(start)
            _sync(file.fileno())
        return [
            Problem(
                str(path),
                0,
                f"its last line was torn ({len(tail)} bytes, a write cut short); it was moved to {self.torn_path}",
            )
        ]


_SAME = Renumbering()


def read_events(data: bytes, name: str, *, first_line: int = 1, renumbering: Renumbering = _SAME) -> Loaded:
    """Return the events in `data`, each id once, and a problem for each line that is none.

    Args:
        data: whole lines.
        name: the file's, for problems.
        first_line: the line of the file with which `data` begins.
        renumbering: what the step numbers of old runs mean now.
    """
    events: dict[str, Event] = {}
    problems: list[Problem] = []
    lines = data.split(b"\n")
    for number, raw in enumerate(lines, first_line):
        if not raw.strip():
            continue
        try:
            event = parse_line(raw.decode("utf-8").rstrip("\r"))
        except UnicodeDecodeError:
            problems.append(Problem(name, number, "is no UTF-8 text; the line is kept and not counted"))
        except EventError as error:
            problems.append(Problem(name, number, f"{error}; the line is kept and not counted"))
        else:
            if event.id not in events:
                events[event.id] = event
            elif events[event.id] != event:
                problems.append(
                    Problem(
                        name, number, f"event {event.id} stands there twice with different content; the first counts"
                    )
                )
    return Loaded(tuple(map(renumbering.now, in_order(events.values()))), tuple(problems))


def default_history(root: Path) -> History:
    """Return the history that `REDRIVE_HISTORY` names, else `.redrive/history.jsonl` below `root`.

    With `REDRIVE_NO_HISTORY` set (test runs, notebooks under test) it is an empty one in memory.
    """
    if os.environ.get("REDRIVE_NO_HISTORY"):
        return History(None)
    named = os.environ.get("REDRIVE_HISTORY")
    return History(Path(named) if named else root / ".redrive" / "history.jsonl", lambda: _renumbering(root))


def _renumbering(root: Path) -> Renumbering:
    # Only who reads events pays for reading what the exercises declare.
    from journal.content.library import library  # noqa: PLC0415

    return Renumbering({slug: course.changes for slug, course in library(root).courses.items()})


def _tail(size: int, file: BinaryIO) -> tuple[bytes, int]:
    """Return the bytes after the last line end, and where they begin."""
    block = 65536
    tail = b""
    start = size
    while start > 0:
        step = min(block, start)
        start -= step
        file.seek(start)
        tail = file.read(step) + tail
        cut = tail.rfind(b"\n")
        if cut >= 0:
            return tail[cut + 1 :], start + cut + 1
    return tail, 0


def _is_event(tail: bytes) -> bool:
    try:
        parse_line(tail.decode("utf-8"))
    except (UnicodeDecodeError, EventError):
        return False
    return True


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _sync(descriptor: int) -> None:
    if sys.platform == "darwin":
        import fcntl  # noqa: PLC0415  (only there is fsync content with the drive's cache)

        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
