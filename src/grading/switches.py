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
import dis
import linecache
import sys
import threading
import types
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, Self

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
        self.counters: dict[str, _Counter] = {}

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


@contextlib.contextmanager
def loaded_again(module: types.ModuleType) -> Generator[types.ModuleType]:
    """Give the learner's file as a second module, imported while locks are replaced: every lock class in it is ours."""
    loader = SourceFileLoader(f"{module.__name__}_with_replaced_locks", str(module.__file__))
    again = types.ModuleType(loader.name)
    again.__file__ = loader.path
    sys.modules[loader.name] = again
    try:
        with _replaced_locks(None):
            loader.exec_module(again)
        yield again
    finally:
        del sys.modules[loader.name]


_STORES = {"STORE_SUBSCR", "STORE_ATTR", "DELETE_SUBSCR", "DELETE_ATTR"}
_OWN = {
    "CACHE", "COPY", "COPY_FREE_VARS", "EXTENDED_ARG", "JUMP_FORWARD", "KW_NAMES", "LOAD_CONST", "LOAD_FAST",
    "LOAD_FAST_BORROW", "LOAD_FAST_BORROW_LOAD_FAST_BORROW", "LOAD_FAST_CHECK", "LOAD_FAST_LOAD_FAST",
    "LOAD_SMALL_INT", "MAKE_CELL", "NOP", "NOT_TAKEN", "PRECALL", "PUSH_NULL", "RESUME", "STORE_FAST",
    "STORE_FAST_LOAD_FAST", "STORE_FAST_STORE_FAST", "SWAP",
}  # fmt: skip
"""Opcodes that touch only the running frame: a switch before one shows the other thread what one after it shows."""

_offsets: dict[types.CodeType, tuple[frozenset[int], frozenset[int]]] = {}


def _offsets_of(code: types.CodeType) -> tuple[frozenset[int], frozenset[int]]:
    """Return where a code's opcodes stand that others can notice, and its stores into objects."""
    if code not in _offsets:
        names = [(one.offset, one.opname) for one in dis.get_instructions(code)]
        _offsets[code] = (
            frozenset(offset for offset, name in names if name not in _OWN),
            frozenset(offset for offset, name in names if name in _STORES),
        )
    return _offsets[code]


class _Counter:
    """Count opcodes of the learner's file in one thread, those that matter or stores only; switch before the chosen."""

    def __init__(self, me: str, at: int, baton: _Baton) -> None:
        self.me, self.at, self.baton = me, at, baton
        self.other = "b" if me == "a" else "a"
        self.seen = 0
        self.line = 0

    def count(self, frame: types.FrameType, offset: int) -> None:
        if offset not in _offsets_of(frame.f_code)[self.me == "b"]:
            return
        self.seen += 1
        if self.seen == self.at:
            self.line = frame.f_lineno
            if self.baton.can_run(self.other):
                self.baton.hand_over(self.me)


class _TracedOpcodes:
    """Tell the counters of every opcode through `sys.settrace`: Python 3.11."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begin(self) -> None:
        """Begin in the running thread, if it has a counter."""
        if _own_counter() is not None:
            sys.settrace(self._start)

    def end(self) -> None:
        sys.settrace(None)

    def _start(self, frame: types.FrameType, _event: str, _arg: Any) -> Any:
        if frame.f_code.co_filename != self.path:
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return self._step

    def _step(self, frame: types.FrameType, event: str, _arg: Any) -> Any:
        counter = _own_counter()
        if event == "opcode" and counter is not None:
            counter.count(frame, frame.f_lasti)
        return self._step


_monitoring: Any = getattr(sys, "monitoring", None)  # since Python 3.12


class _MonitoredOpcodes:
    """Tell the counters of every opcode through `sys.monitoring`: Python 3.12 and later.

    There, `sys.settrace` in two threads that stand in the same code can crash the interpreter.
    """

    tool = 4

    def __init__(self, path: str) -> None:
        self.path = path
        self.codes: list[types.CodeType] = []

    def __enter__(self) -> Self:
        _monitoring.use_tool_id(self.tool, "forced switches")
        _monitoring.register_callback(self.tool, _monitoring.events.PY_START, self._start)
        _monitoring.register_callback(self.tool, _monitoring.events.INSTRUCTION, self._step)
        _monitoring.restart_events()
        _monitoring.set_events(self.tool, _monitoring.events.PY_START)
        return self

    def __exit__(self, *_: object) -> None:
        _monitoring.set_events(self.tool, 0)
        for code in self.codes:
            _monitoring.set_local_events(self.tool, code, 0)
        _monitoring.free_tool_id(self.tool)

    def begin(self) -> None:
        """Do nothing: it is on for every thread."""

    def end(self) -> None:
        """Do nothing: it ends for every thread."""

    def _start(self, code: types.CodeType, _offset: int) -> Any:
        if code.co_filename == self.path:
            _monitoring.set_local_events(self.tool, code, _monitoring.events.INSTRUCTION)
            self.codes.append(code)
        return _monitoring.DISABLE

    def _step(self, _code: types.CodeType, offset: int) -> None:
        counter = _own_counter()
        if counter is not None:
            counter.count(sys._getframe(1), offset)  # noqa: SLF001


_Opcodes = _MonitoredOpcodes if sys.version_info >= (3, 12) else _TracedOpcodes


def _own_counter() -> _Counter | None:
    return _baton.counters.get(_baton.me() or "") if _baton is not None else None


class _Worker:
    """One of the two threads; it lives through all points and runs its operation once at each."""

    def __init__(self, name: str, operation: Callable[[Any], Any], opcodes: Any) -> None:
        self.name, self.operation, self.opcodes = name, operation, opcodes
        self.begun, self.ended = _RealLock(), _RealLock()
        self.begun.acquire()
        self.ended.acquire()
        self.task: tuple[_Baton, Any] | None = None
        # Not threading.Thread: its own locks, made now, would be replaced ones that the main thread takes part in.
        _thread.start_new_thread(self._run, ())

    def begin(self, baton: _Baton, subject: Any) -> None:
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

    def run(self, baton: _Baton, subject: Any) -> None:
        """Run both operations on a subject, as the baton lets them."""
        global _baton  # noqa: PLW0603 - the replaced locks, made by the learner's code, have to find it
        if not self._workers:
            self._workers = [_Worker(name, operation, self._opcodes) for name, operation in self._operations.items()]
        _baton = baton
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
            _baton = None

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
    with _replaced_locks(module), _Opcodes(path) as opcodes, contextlib.ExitStack() as at_the_end:
        pair = _Pair(op_a, op_b, opcodes)
        at_the_end.callback(pair.leave)
        for at in range(1, MAX_POINTS + 1):
            subject = setup()
            baton = _Baton()
            first = baton.counters["a"] = _Counter("a", at, baton)
            if pause_b_before_store:
                baton.counters["b"] = _Counter("b", pause_b_before_store, baton)
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


def _errors_of(baton: _Baton) -> list[BaseException]:
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
