"""Count the opcodes of one file in each of two threads, and switch threads before the chosen one."""

from __future__ import annotations

import dis
import sys
import types
from typing import Any, Self

from grading import locks
from grading.locks import Baton

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


class Counter:
    """Count opcodes of the learner's file in one thread, those that matter or stores only; switch before the chosen."""

    def __init__(self, me: str, at: int, baton: Baton) -> None:
        self.me, self.at, self.baton = me, at, baton
        self.other = "b" if me == "a" else "a"
        self.seen = 0
        self.line = 0

    def count(self, frame: types.FrameType, offset: int) -> None:
        """Count this opcode if it matters, and hand over to the other thread before the chosen one."""
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


Opcodes = _MonitoredOpcodes if sys.version_info >= (3, 12) else _TracedOpcodes


def _own_counter() -> Counter | None:
    return locks.baton.counters.get(locks.baton.me() or "") if locks.baton is not None else None
