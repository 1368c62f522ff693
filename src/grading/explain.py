"""What a failing check says: what was called, what came back, what was expected, and how the two differ."""

from __future__ import annotations

import traceback
from typing import Any, NoReturn

from grading.columns import labelled

_made: list[str] = []
_passed_through: dict[str, list[tuple[str, int, str]]] = {}

MAX_SHOWN = 420
"""Of a longer value, the beginning and the end are shown: four lines of a terminal."""

MAX_DIFFERENCES = 3


def _shown(value: Any) -> str:
    if isinstance(value, BaseException):
        text = f"{type(value).__name__}: {value}" if str(value) else type(value).__name__
    else:
        text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN // 2]} … {text[-MAX_SHOWN // 2 :]}"


def _in_order_of(value: Any, other: Any) -> Any:
    """Put a dict's keys in the other's order, so that two that are compared look alike."""
    if type(value) is dict and type(other) is dict:
        return {key: value[key] for key in [*(key for key in other if key in value), *value] if key in value}
    return value


def difference(got: Any, expected: Any) -> str | None:
    """Say in a line what is wrong with which item; None where the two values say it themselves.

    Dicts and lists are compared item by item. A value may have a method `difference(expected)` of its own.
    """
    found: list[str] = []
    if isinstance(got, dict) and isinstance(expected, dict):
        found = _between_dicts(got, expected)
    elif isinstance(got, (list, tuple)) and isinstance(expected, (list, tuple)):
        found = _between_lists(got, expected)
    elif hasattr(got, "difference") and type(got) is type(expected):
        return str(got.difference(expected)) or None
    if len(found) > MAX_DIFFERENCES:
        found = [*found[:MAX_DIFFERENCES], f"and {len(found) - MAX_DIFFERENCES} more"]
    return "; ".join(found) or None


def _between_dicts(got: dict[Any, Any], expected: dict[Any, Any], inside: str = "") -> list[str]:
    found = [f"{inside}{key} is missing" for key in expected if key not in got]
    found += [f"{inside}{key} should not be there" for key in got if key not in expected]
    for key, wanted in expected.items():
        if isinstance(got.get(key), dict) and isinstance(wanted, dict):
            found += _between_dicts(got[key], wanted, f"{inside}{key}: ")
        elif key in got and got[key] != wanted:
            found.append(f"{inside}{key}: {got[key]!r} instead of {wanted!r}")
    return found


def _between_lists(got: Any, expected: Any) -> list[str]:
    missing, extra = _without(expected, got), _without(got, expected)
    found = []
    if missing:
        found.append(f"missing: {_first_four(missing)}")
    if extra:
        found.append(f"should not be there: {_first_four(extra)}")
    if not found and len(got) > 1:
        place = next((n for n, (one, other) in enumerate(zip(got, expected, strict=True)) if one != other), None)
        if place is not None:
            found.append(f"the order: number {place + 1} is {_shown(got[place])}, not {_shown(expected[place])}")
    return found


def _first_four(values: list[Any]) -> str:
    return ", ".join(map(_shown, values[:4])) + (" …" if len(values) > 4 else "")


def _without(values: Any, others: Any) -> list[Any]:
    left, found = list(others), []
    for value in values:
        if value in left:
            left.remove(value)
        else:
            found.append(value)
    return found


def explain(
    *, called: Any, got: Any, expected: Any, costs: str | None = None, diff: str | None = None, note: str | None = None
) -> str:
    """Build the message of an assertion.

    As in `assert got == want, explain(called=…, got=got, expected=want)`. Give `got` and `expected` in one form. When
    the test has a network, the report adds the last commands by itself.

    Args:
        called: the call as the learner would type it, such as `"ceiling_s(attempt=3, base_s=0.1, cap_s=10)"`.
        got: what came back; a string is shown as it is, an exception as `Name: text`, anything else by `repr`.
        expected: what should have come back, shown in the same way.
        costs: what this costs in production, one sentence; only if it follows from what this check has seen.
        diff: what is wrong with which item; left out, it is worked out from two dicts or two lists.
        note: what the code did not do, or another fact that points to the mistake.
    """
    parts = {
        "called": called,
        "got": _in_order_of(got, expected),
        "expected": expected,
        "diff": diff or difference(got, expected),
        "note": note,
        "costs": costs,
    }
    text = "\n".join(labelled(label, _shown(value)) for label, value in parts.items() if _is_said(label, value))
    _made.append(text)
    del _made[:-200]
    if isinstance(got, BaseException):
        # Where it came from, and not the error itself, which would keep everything alive that it passed.
        steps = traceback.walk_tb(got.__traceback__)
        _passed_through[text] = [(frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in steps]
        for old in list(_passed_through)[:-200]:
            del _passed_through[old]
    return text


def _is_said(label: str, value: Any) -> bool:
    return value is not None or label in ("called", "got", "expected")


def fail(
    *, called: Any, got: Any, expected: Any, costs: str | None = None, diff: str | None = None, note: str | None = None
) -> NoReturn:
    """Fail the running test with that message."""
    __tracebackhide__ = True
    raise AssertionError(explain(called=called, got=got, expected=expected, costs=costs, diff=diff, note=note))


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
