"""What is said of a run that would never end by itself: the fact, and the lines where it stands."""

from __future__ import annotations

import asyncio
import contextlib
import types
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from grading.steps import is_test_file

MAIN = "the test"

_called: str | None = None


class Stuck(BaseException):
    """A run was stopped because it would never have ended.

    It is a BaseException so that `except Exception` in the code under test cannot swallow it.

    Attributes:
        fact: one sentence, what was seen.
        where: `(file, line, source)` of the code under test where it stood, or None.
        asked: the same of the test that called it, or None.
        causes: errors of tasks that had died unnoticed by then; often the reason why the others wait.
        called: what the test named with `calling`, or None.
    """

    def __init__(
        self,
        fact: str,
        where: tuple[str, int, str] | None = None,
        asked: tuple[str, int, str] | None = None,
        causes: tuple[BaseException, ...] = (),
    ) -> None:
        super().__init__(fact)
        self.fact, self.where, self.asked, self.causes = fact, where, asked, causes
        self.called = _called


@contextlib.contextmanager
def calling(called: str) -> Generator[None]:
    """Name the call that is made inside, as the learner would type it, for the report of a run that never ends."""
    global _called  # noqa: PLW0603 - one test runs at a time
    outer, _called = _called, called
    try:
        yield
    finally:
        _called = outer


def _frames_of(awaitable: Any) -> Iterator[types.FrameType]:
    """Yield the suspended frames of a coroutine from the outermost to the innermost."""
    seen = 0
    while awaitable is not None and seen < 200:
        seen += 1
        for frame_name, next_name in (
            ("cr_frame", "cr_await"),
            ("gi_frame", "gi_yieldfrom"),
            ("ag_frame", "ag_await"),
        ):
            frame = getattr(awaitable, frame_name, None)
            if frame is not None:
                yield frame
                awaitable = getattr(awaitable, next_name, None)
                break
        else:
            return


def _source_line(path: str, line: int) -> str:
    import linecache  # noqa: PLC0415 - only when something went wrong

    return linecache.getline(path, line).strip()


def _place(frame: types.FrameType, line: int | None = None) -> tuple[str, int, str]:
    path = frame.f_code.co_filename
    at = line if line is not None else frame.f_lineno
    return path, at, _source_line(path, at)


def standing_at(
    tasks: Iterable[asyncio.Task[Any]], files: tuple[str, ...]
) -> tuple[tuple[str, int, str] | None, tuple[str, int, str] | None]:
    """Find where unfinished tasks stand: in the code under test, and in the test that called it.

    Of several tasks, the one deepest in the code under test speaks: a worker that waits, rather than what waits for it.
    """
    where: tuple[int, tuple[str, int, str]] | None = None
    asked = None
    for task in tasks:
        frames = list(_frames_of(task.get_coro()))
        mine = [depth for depth, frame in enumerate(frames) if frame.f_code.co_filename in files]
        if mine and (where is None or not task.get_name().startswith(MAIN)):
            where = (mine[-1], _place(frames[mine[-1]]))
        tests = [frame for frame in frames if is_test_file(frame.f_code.co_filename)]
        if tests and (asked is None or task.get_name() == MAIN):
            asked = _place(tests[-1])
    return (where[1] if where else None), asked


def frame_in(frame: types.FrameType | None, wanted: Callable[[str], bool]) -> tuple[str, int, str] | None:
    """Find the innermost frame, from `frame` outwards, of a file that is wanted."""
    while frame is not None:
        if wanted(frame.f_code.co_filename):
            return _place(frame)
        frame = frame.f_back
    return None
