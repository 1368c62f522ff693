"""Locks that hand over to the other of two threads where they would block, and the baton that lets one of both run."""

from __future__ import annotations

import contextlib
import sys
import threading
import types
from collections.abc import Generator
from importlib.machinery import SourceFileLoader
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grading.opcodes import Counter

UNSEEN_BLOCK_S = 1.0
"""How long a thread may stay silent before it counts as blocked in something that is not a replaced lock."""

RealLock, _RealRLock = threading.Lock, threading.RLock
_LOCK_TYPES = (type(RealLock()), type(_RealRLock()))


class DeadlockError(AssertionError):
    """Say that the two threads wait for each other, or that one waits for itself."""


class Baton:
    """Let exactly one of the two threads run, and remember who waits for which lock."""

    def __init__(self) -> None:
        self.turn = {"a": RealLock(), "b": RealLock()}
        for lock in self.turn.values():
            lock.acquire()
        self.who: dict[int, str] = {}
        self.done: set[str] = set()
        self.waiting: dict[str, ReplacedLock] = {}
        self.errors: list[BaseException] = []
        self.unseen: set[str] = set()
        self.counters: dict[str, Counter] = {}

    def me(self) -> str | None:
        """Return the name of the running thread, None for a thread that takes no part."""
        return self.who.get(threading.get_ident())

    def can_run(self, name: str) -> bool:
        """Whether that thread has not ended and waits for no lock."""
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
        """Let the other thread run while this one waits for a lock; raise DeadlockError where neither can run."""
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
        """Note that this thread has ended, and let the other one run."""
        self.done.add(me)
        other = "b" if me == "a" else "a"
        if other not in self.done:
            self.turn[other].release()


baton: Baton | None = None


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
        return (baton.me() if baton else None) or threading.get_ident()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock; hand over to the other thread while it is held."""
        name = self._name()
        while self.held_against(name):
            if not blocking:
                return False
            if baton is None or not isinstance(name, str):
                raise DeadlockError("a lock that is already held was taken again by the same thread")
            try:
                baton.wait_for(name, self)
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
def replaced_locks(module: types.ModuleType | None) -> Generator[None]:
    """Replace the locks of `threading`, and those that the module and its classes hold already."""
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
                if value is RealLock:
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


@contextlib.contextmanager
def loaded_again(module: types.ModuleType) -> Generator[types.ModuleType]:
    """Give the learner's file as a second module, imported while locks are replaced: every lock class in it is ours."""
    loader = SourceFileLoader(f"{module.__name__}_withreplaced_locks", str(module.__file__))
    again = types.ModuleType(loader.name)
    again.__file__ = loader.path
    sys.modules[loader.name] = again
    try:
        with replaced_locks(None):
            loader.exec_module(again)
        yield again
    finally:
        del sys.modules[loader.name]
