"""What a failing check says: what was called, what came back, what was expected, and what it costs in production."""

from __future__ import annotations

import traceback
from typing import Any, NoReturn

_made: list[str] = []
_passed_through: dict[str, list[tuple[str, int, str]]] = {}


def _shown(value: Any) -> str:
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}" if str(value) else type(value).__name__
    return value if isinstance(value, str) else repr(value)


def explain(*, called: Any, got: Any, expected: Any, costs: str) -> str:
    """Build the message of an assertion.

    As in `assert got == want, explain(called=…, got=got, expected=want, costs=…)`.

    Args:
        called: the call as the learner would type it, such as `"ceiling_s(attempt=3, base_s=0.1, cap_s=10)"`.
        got: what came back; a string is shown as it is, an exception as `Name: text`, anything else by `repr`.
        expected: what should have come back, shown in the same way.
        costs: what this mistake costs in production, one sentence.
    """
    text = "\n".join(
        f"{label:<9} {_indent(_shown(value))}"
        for label, value in (("called", called), ("got", got), ("expected", expected), ("costs", costs))
    )
    _made.append(text)
    del _made[:-200]
    if isinstance(got, BaseException):
        # Where it came from, and not the error itself, which would keep everything alive that it passed.
        steps = traceback.walk_tb(got.__traceback__)
        _passed_through[text] = [(frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in steps]
        for old in list(_passed_through)[:-200]:
            del _passed_through[old]
    return text


def fail(*, called: Any, got: Any, expected: Any, costs: str) -> NoReturn:
    """Fail the running test with that message."""
    __tracebackhide__ = True
    raise AssertionError(explain(called=called, got=got, expected=expected, costs=costs))


def _indent(text: str) -> str:
    return text.replace("\n", "\n" + " " * 10)


def find_explanation(text: str) -> str | None:
    """Find the explanation that an AssertionError's text begins with; pytest's rewriting appends to it."""
    squeezed = "".join(text.split())
    for made in reversed(_made):
        if squeezed.startswith("".join(made.split())):
            return made
    return None


def passed_through(text: str) -> list[tuple[str, int, str]]:
    """List the (file, line, function) that the error in an explanation's `got` passed; empty when it was no error."""
    return _passed_through.get(find_explanation(text) or "", [])
