"""Force a thread switch at every opcode of the learner's file, so that a race fails every time and not now and then.

    from exercises.harness.switches import forced_switches

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
"""

from __future__ import annotations

import _thread
import contextlib
import dis
import linecache
import sys
import threading
import types
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAX_POINTS = 20_000
UNSEEN_BLOCK_S = 1.0
"""How long a thread may stay silent before it counts as blocked in something that is not a replaced lock."""

UNENDED_S = 10.0

_RealLock, _RealRLock = threading.Lock, threading.RLock
_LOCK_TYPES = (type(_RealLock()), type(_RealRLock()))


class DeadlockError(AssertionError):
    """Say that the two threads wait for each other, or that one waits for itself."""


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


class _Baton:
    """Let exactly one of the two threads run, and remember who waits for which lock."""

    def __init__(self) -> None:
        self.turn = {"a": _RealLock(), "b": _RealLock()}
        for lock in self.turn.values():
            lock.acquire()
        self.who: dict[int, str] = {}
        self.done: set[str] = set()
        self.waiting: dict[str, ReplacedLock] = {}
        self.errors: list[BaseException] = []
        self.unseen: set[str] = set()

    def me(self) -> str | None:
        return self.who.get(threading.get_ident())

    def can_run(self, name: str) -> bool:
        if name in self.done:
            return False
        lock = self.waiting.get(name)
        return lock is None or not lock.held_against(name)

    def hand_over(self, me: str) -> None:
        """Let the other thread run until it ends or waits; return when it is this one's turn again."""
        other = "b" if me == "a" else "a"
        self.turn[other].release()
        if not self.turn[me].acquire(timeout=UNSEEN_BLOCK_S):
            # The other is blocked where we cannot see it (a lock made by other means); go on without it.
            self.unseen.add(other)

    def wait_for(self, me: str, lock: ReplacedLock) -> None:
        self.waiting[me] = lock
        other = "b" if me == "a" else "a"
        try:
            if not self.can_run(other):
                raise DeadlockError("a deadlock: a thread waits for a lock that nobody will ever release")
            self.hand_over(me)
            if lock.held_against(me) and not self.can_run(other):
                raise DeadlockError("a deadlock: the two threads wait for each other's lock")
        finally:
            del self.waiting[me]

    def finish(self, me: str) -> None:
        self.done.add(me)
        other = "b" if me == "a" else "a"
        if other not in self.done:
            self.turn[other].release()


_baton: _Baton | None = None


class ReplacedLock:
    """Stand in for `threading.Lock`: what would block hands over to the other thread instead."""

    reentrant = False

    def __init__(self) -> None:
        self.owner: object = None
        self.count = 0

    def held_against(self, name: object) -> bool:
        """Whether that thread would have to wait."""
        return self.owner is not None and not (self.reentrant and self.owner == name)

    @staticmethod
    def _name() -> object:
        return (_baton.me() if _baton else None) or threading.get_ident()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock; hand over to the other thread while it is held."""
        name = self._name()
        while self.held_against(name):
            if not blocking:
                return False
            if _baton is None or not isinstance(name, str):
                raise DeadlockError("a lock that is already held was taken again by the same thread")
            try:
                _baton.wait_for(name, self)
            except DeadlockError:
                if timeout >= 0:
                    return False
                raise
        self.owner = name
        self.count += 1
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self.owner is None:
            raise RuntimeError("release unlocked lock")
        self.count -= 1
        if self.count == 0:
            self.owner = None

    def locked(self) -> bool:
        """Whether anyone holds it."""
        return self.owner is not None

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class ReplacedRLock(ReplacedLock):
    """Stand in for `threading.RLock`."""

    reentrant = True

    def _is_owned(self) -> bool:
        return self.owner == self._name()


def _replacement(lock: object) -> ReplacedLock:
    return ReplacedRLock() if isinstance(lock, _LOCK_TYPES[1]) else ReplacedLock()


@contextlib.contextmanager
def _replaced_locks(module: types.ModuleType | None) -> Generator[None]:
    undo: list[tuple[Any, str, Any]] = []

    def put(owner: Any, name: str, value: Any) -> None:
        undo.append((owner, name, vars(owner)[name]))
        setattr(owner, name, value)

    put(threading, "Lock", ReplacedLock)
    put(threading, "RLock", ReplacedRLock)
    if module is not None:
        owners = [module, *(kind for kind in vars(module).values() if isinstance(kind, type) and _is_of(kind, module))]
        for owner in owners:
            for name, value in list(vars(owner).items()):
                if value is _RealLock:
                    put(owner, name, ReplacedLock)
                elif value is _RealRLock:
                    put(owner, name, ReplacedRLock)
                elif isinstance(value, _LOCK_TYPES):
                    put(owner, name, _replacement(value))
    try:
        yield
    finally:
        for owner, name, value in reversed(undo):
            setattr(owner, name, value)


def _is_of(kind: type, module: types.ModuleType) -> bool:
    return kind.__module__ == module.__name__


def _module_and_path(file: types.ModuleType | str | Path) -> tuple[types.ModuleType | None, str]:
    if isinstance(file, types.ModuleType):
        return file, str(file.__file__)
    path = str(Path(file).resolve())
    found = [one for one in list(sys.modules.values()) if getattr(one, "__file__", None) == path]
    return (found[0] if found else None), path


class _Tracer:
    """Count opcodes of the learner's file in one thread, all or stores only, and switch before the chosen one."""

    def __init__(self, path: str, me: str, at: int, baton: _Baton) -> None:
        self.path, self.me, self.at, self.baton = path, me, at, baton
        self.other = "b" if me == "a" else "a"
        self.seen = 0
        self.line = 0

    def start(self, frame: types.FrameType, _event: str, _arg: Any) -> Any:
        if frame.f_code.co_filename != self.path:
            return None
        # The local trace function first: Python 3.13 ignores the flag on a frame that has none yet.
        frame.f_trace = self.step
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        return self.step

    def step(self, frame: types.FrameType, event: str, _arg: Any) -> Any:
        if event == "opcode" and (self.me == "a" or self._stores(frame)):
            self.seen += 1
            if self.seen == self.at:
                self.line = frame.f_lineno
                if self.baton.can_run(self.other):
                    self.baton.hand_over(self.me)
        return self.step

    @staticmethod
    def _stores(frame: types.FrameType) -> bool:
        return dis.opname[frame.f_code.co_code[frame.f_lasti]] in {"STORE_SUBSCR", "STORE_ATTR", "DELETE_SUBSCR"}


class _Worker:
    """One of the two threads, from its start until it has left no trace function behind.

    All trace functions are in place before the first operation begins and stay until both have ended: Python 3.12
    crashes when one thread sets or clears its own while another stands inside its.
    """

    def __init__(self, name: str, operation: Callable[[Any], Any], subject: Any, baton: _Baton) -> None:
        self.name, self.operation, self.subject, self.baton = name, operation, subject, baton
        self.tracer: _Tracer | None = None
        self.ready, self.ended, self.leave, self.gone = _RealLock(), _RealLock(), _RealLock(), _RealLock()
        for lock in (self.ready, self.ended, self.leave, self.gone):
            lock.acquire()

    def start(self) -> None:
        # Not threading.Thread: its own locks, made now, would be replaced ones that the main thread takes part in.
        _thread.start_new_thread(self._run, ())
        self.ready.acquire()

    def _run(self) -> None:
        self.baton.who[threading.get_ident()] = self.name
        if self.tracer is not None:
            # Python 3.12 looks for this flag on some frame when tracing starts, not later.
            sys._getframe().f_trace_opcodes = True  # noqa: SLF001
            sys.settrace(self.tracer.start)
        self.ready.release()
        self.baton.turn[self.name].acquire()
        try:
            self.operation(self.subject)
        except BaseException as error:  # noqa: BLE001 - reported by the caller
            self.baton.errors.append(error)
        finally:
            self.baton.finish(self.name)
            self.ended.release()
            self.leave.acquire()
            sys.settrace(None)
            self.gone.release()


def _run_pair(
    path: str, at: int, subject: Any, op_a: Callable[[Any], Any], op_b: Callable[[Any], Any], before_store: int
) -> tuple[_Tracer, _Tracer | None]:
    global _baton  # noqa: PLW0603 - the replaced locks, made by the learner's code, have to find it
    baton = _baton = _Baton()
    workers = [_Worker("a", op_a, subject, baton), _Worker("b", op_b, subject, baton)]
    workers[0].tracer = _Tracer(path, "a", at, baton)
    if before_store:
        workers[1].tracer = _Tracer(path, "b", before_store, baton)
    try:
        for worker in workers:
            worker.start()
        baton.turn["a"].release()
        for worker in workers:
            if not worker.ended.acquire(timeout=UNENDED_S):
                baton.errors.append(DeadlockError(f"thread {worker.name} never ended"))
                return workers[0].tracer, workers[1].tracer
        for worker in workers:
            worker.leave.release()
            worker.gone.acquire()
    finally:
        _baton = None
    return workers[0].tracer, workers[1].tracer


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
    with _replaced_locks(module):
        for at in range(1, MAX_POINTS + 1):
            subject = setup()
            tracer, second = _run_pair(path, at, subject, op_a, op_b, pause_b_before_store)
            result.stores_in_b = max(result.stores_in_b, second.seen if second else 0)
            errors = _baton_errors(tracer)
            saw = f"{type(errors[0]).__name__}: {errors[0]}" if errors else _look(check, subject)
            if saw is not None:
                line = tracer.line
                source = linecache.getline(path, line).strip() if line else "(no switch was needed)"
                result.broken.append(Break(at, line, source, saw))
            if tracer.seen < at:
                break
            result.points = at
            if result.broken and stop_at_first:
                break
    if result.points == 0 and not result.broken:
        raise ValueError(f"op_a ran nothing of {path}; is `file` the module under test?")
    return result


def _baton_errors(tracer: _Tracer) -> list[BaseException]:
    for error in tracer.baton.errors:
        if isinstance(error, NotImplementedError):
            raise error
    return tracer.baton.errors


def _look(check: Callable[[Any], object], subject: Any) -> str | None:
    try:
        saw = check(subject)
    except AssertionError as error:
        return str(error)
    return None if saw is None else str(saw)
