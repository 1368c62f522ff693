"""Force a thread switch at every opcode of the learner's file, so that a race fails every time and not now and then.

    from grading.switches import forced_switches

    result = forced_switches(
        setup=Registry,                                     # makes a fresh subject, once per switch
        op_a=lambda registry: registry.inc("jobs_total"),   # interrupted at its 1st, 2nd, 3rd … opcode
        op_b=lambda registry: registry.inc("jobs_total"),   # run there, to its end or until a lock stops it
        check=lambda registry: None if registry.value("jobs_total") == 2 else "the counter lost an update",
        file=metrics,                                       # the learner's module (or its path)
    )
    assert not result.broken, explain(called="inc() in two threads", got=result.story, expected="2", costs="…")

`check` returns None when all is well, else what it saw; an AssertionError that it raises counts as that, too. An
error raised in `op_a` or `op_b` breaks the point, except NotImplementedError, which is raised as it is.

Only one of the two threads runs at any time. `threading.Lock` and `threading.RLock` are replaced meanwhile (in
`setup` as well, and where the learner's module holds some already) by locks that hand over at once when they would
block. So nothing waits in real time, and two threads that wait for each other are reported as a deadlock. Needs real
threads: mark the test `@pytest.mark.threads`.

A lock class that the learner's file keeps where no name holds it (a `default_factory`) escapes the replacement; `with
loaded_again(metrics) as module:` gives the file as a module that was imported while locks were replaced.
"""

from __future__ import annotations

import _thread
import contextlib
import linecache
import sys
import threading
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grading import locks
from grading.locks import (
    Baton,
    DeadlockError,
    RealLock,
    ReplacedLock,
    ReplacedRLock,
    loaded_again,
    replaced_locks,
)
from grading.opcodes import Counter, Opcodes

__all__ = ["Break", "DeadlockError", "ReplacedLock", "ReplacedRLock", "Switched", "forced_switches", "loaded_again"]

MAX_POINTS = 20_000
UNENDED_S = 10.0


@dataclass
class Break:
    """A switch after which the check failed: at this line, before this opcode of `op_a`."""

    point: int
    line: int
    source: str
    saw: str


@dataclass
class Switched:
    """What forced switches found: how many points were tried, and those that broke."""

    points: int = 0
    broken: list[Break] = field(default_factory=list)
    file: str = ""
    stores_in_b: int = 0

    @property
    def story(self) -> str:
        """One sentence on the first break, with the learner's line."""
        if not self.broken:
            return f"all {self.points} switches went well"
        first = self.broken[0]
        return (
            f"{first.saw}, after a switch to the other thread within line {first.line} of {self.file}: {first.source}"
        )


def _module_and_path(file: types.ModuleType | str | Path) -> tuple[types.ModuleType | None, str]:
    if isinstance(file, types.ModuleType):
        return file, str(file.__file__)
    path = str(Path(file).resolve())
    found = [one for one in list(sys.modules.values()) if getattr(one, "__file__", None) == path]
    return (found[0] if found else None), path


class _Worker:
    """One of the two threads; it lives through all points and runs its operation once at each."""

    def __init__(self, name: str, operation: Callable[[Any], Any], opcodes: Any) -> None:
        self.name, self.operation, self.opcodes = name, operation, opcodes
        self.begun, self.ended = RealLock(), RealLock()
        self.begun.acquire()
        self.ended.acquire()
        self.task: tuple[Baton, Any] | None = None
        # Not threading.Thread: its own locks, made now, would be replaced ones that the main thread takes part in.
        _thread.start_new_thread(self._run, ())

    def begin(self, baton: Baton, subject: Any) -> None:
        self.task = (baton, subject)
        self.begun.release()

    def leave(self) -> None:
        """End the thread, once it has ended what it runs."""
        self.task = None
        self.begun.release()

    def _run(self) -> None:
        while True:
            self.begun.acquire()
            if self.task is None:
                return
            baton, subject = self.task
            self.task = None
            baton.who[threading.get_ident()] = self.name
            baton.turn[self.name].acquire()
            self.opcodes.begin()
            try:
                self.operation(subject)
            except BaseException as error:  # noqa: BLE001 - reported by the caller
                baton.errors.append(error)
            finally:
                self.opcodes.end()
                baton.finish(self.name)
                self.ended.release()


class _Pair:
    """The two threads."""

    def __init__(self, op_a: Callable[[Any], Any], op_b: Callable[[Any], Any], opcodes: Any) -> None:
        self._operations, self._opcodes = {"a": op_a, "b": op_b}, opcodes
        self._workers: list[_Worker] = []

    def run(self, baton: Baton, subject: Any) -> None:
        """Run both operations on a subject, as the baton lets them."""
        if not self._workers:
            self._workers = [_Worker(name, operation, self._opcodes) for name, operation in self._operations.items()]
        locks.baton = baton  # the replaced locks, made by the learner's code, find it there
        try:
            for worker in self._workers:
                worker.begin(baton, subject)
            baton.turn["a"].release()
            for worker in self._workers:
                if not worker.ended.acquire(timeout=UNENDED_S):
                    baton.errors.append(DeadlockError(f"thread {worker.name} never ended"))
                    self._workers = []  # left to themselves: nothing can end a thread from outside
                    return
        finally:
            locks.baton = None

    def leave(self) -> None:
        """End both threads."""
        for worker in self._workers:
            worker.leave()


def forced_switches(
    setup: Callable[[], Any],
    op_a: Callable[[Any], Any],
    op_b: Callable[[Any], Any],
    check: Callable[[Any], object],
    *,
    file: types.ModuleType | str | Path,
    stop_at_first: bool = True,
    pause_b_before_store: int = 0,
) -> Switched:
    """Run `op_a` and `op_b` on a fresh subject for every opcode of `op_a`, switching threads there.

    With `pause_b_before_store=n` the second thread is interrupted as well, once, before its n-th store into an object
    (an item or an attribute); call it with n = 1, 2, … while `result.stores_in_b >= n`. So both threads can have looked
    before either has stored, as when each makes the lock that the other should have taken.

    Returns:
        The number of points tried, and those after which `check` failed; see the module's text.
    """
    module, path = _module_and_path(file)
    result = Switched(file=Path(path).name)
    with replaced_locks(module), Opcodes(path) as opcodes, contextlib.ExitStack() as at_the_end:
        pair = _Pair(op_a, op_b, opcodes)
        at_the_end.callback(pair.leave)
        for at in range(1, MAX_POINTS + 1):
            subject = setup()
            baton = Baton()
            first = baton.counters["a"] = Counter("a", at, baton)
            if pause_b_before_store:
                baton.counters["b"] = Counter("b", pause_b_before_store, baton)
            pair.run(baton, subject)
            if "b" in baton.counters:
                result.stores_in_b = max(result.stores_in_b, baton.counters["b"].seen)
            errors = _errors_of(baton)
            saw = f"{type(errors[0]).__name__}: {errors[0]}" if errors else _look(check, subject)
            if saw is not None:
                line = first.line
                source = linecache.getline(path, line).strip() if line else "(no switch was needed)"
                result.broken.append(Break(at, line, source, saw))
            if first.seen < at:
                break
            result.points = at
            if result.broken and stop_at_first:
                break
    if result.points == 0 and not result.broken:
        raise ValueError(f"op_a ran nothing of {path}; is `file` the module under test?")
    return result


def _errors_of(baton: Baton) -> list[BaseException]:
    for error in baton.errors:
        if isinstance(error, NotImplementedError):
            raise error
    return baton.errors


def _look(check: Callable[[Any], object], subject: Any) -> str | None:
    try:
        saw = check(subject)
    except AssertionError as error:
        return str(error)
    return None if saw is None else str(saw)
