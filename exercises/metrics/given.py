"""What the tests of metrics share: a lock that notices a deadlock, and a reader of the text exposition.

Tests go through the public names, so any design that keeps the specification passes. Recorded numbers are sums of
powers of two: floats add up exactly, whatever the order.
"""

from __future__ import annotations

import math
import re
import threading
from collections import Counter
from typing import NamedTuple

import pytest

from grading import explain, fail
from grading.switches import ReplacedLock, ReplacedRLock


@pytest.fixture(autouse=True)
def own_locks(request, monkeypatch) -> None:
    """Let a thread that waits for a lock it holds itself fail at once; only step 5 has more threads than one."""
    if not request.node.get_closest_marker("threads"):
        monkeypatch.setattr(threading, "Lock", ReplacedLock)
        monkeypatch.setattr(threading, "RLock", ReplacedRLock)


class Sample(NamedTuple):
    line: int
    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[^"}]|"(?:[^"\\\n]|\\.)*")*)\})? (\S+)')
PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')
UNREADABLE = (
    "one line that cannot be read costs the whole scrape: every metric of the process is missing from the graphs"
)


def read(text: str) -> tuple[dict[str, str], list[Sample]]:
    """Read an exposition strictly: types by name, and samples in the order in which they stand there."""
    if not isinstance(text, str):
        fail(called="exposition()", got=text, expected="a str", costs=UNREADABLE)
    if text and not text.endswith("\n"):
        fail(
            called="exposition(); checked: its end",
            got=repr(text[-20:]),
            expected="a line feed after the last line, too",
            costs="a server takes the text for one that was cut off, and refuses it",
        )
    types: dict[str, str] = {}
    samples: list[Sample] = []
    for number, line in enumerate(text.split("\n")[:-1], 1):
        if line.startswith("# TYPE "):
            _, _, name, kind = (*line.split(" "), "", "")[:4]
            if name in types:
                fail(
                    called=f"exposition(); checked: line {number}",
                    got=line,
                    expected=f"one TYPE line for {name}, before its first series",
                    costs=UNREADABLE,
                )
            types[name] = kind
        elif line.strip() and not line.startswith("#"):
            samples.append(sample(number, line))
    return types, samples


def sample(number: int, line: str) -> Sample:
    found = SAMPLE.fullmatch(line)
    if not found:
        fail(
            called=f"exposition(); checked: line {number}",
            got=line,
            expected='name{label="value",…} number, with the label values escaped',
            costs=UNREADABLE,
        )
    name, inside, printed = found.groups()
    labels, at = [], 0
    while inside and at < len(inside):
        pair = PAIR.match(inside, at)
        if not pair:
            fail(
                called=f"exposition(); checked: the labels in line {number}",
                got=inside,
                expected=r'label="value" pairs, comma between, \ " and line feed escaped',
                costs=UNREADABLE,
            )
        value = re.sub(r"\\(.)", lambda escape: {"n": "\n"}.get(escape[1], escape[1]), pair[2])
        labels.append((pair[1], value))
        at = pair.end()
    try:
        value = float(printed)
    except ValueError:
        fail(called=f"exposition(); checked: line {number}", got=line, expected="a number at its end", costs=UNREADABLE)
    if len({label for label, _ in labels}) < len(labels):
        fail(called=f"exposition(); checked: line {number}", got=line, expected="each label once", costs=UNREADABLE)
    return Sample(number, name, tuple(sorted(labels)), value)


def family(name: str, types: dict[str, str]) -> str:
    """Find the metric that a sample belongs to: its own name, or a histogram's name and a suffix."""
    for suffix in ("_bucket", "_sum", "_count"):
        stem = name.removesuffix(suffix)
        if stem != name and types.get(stem) == "histogram":
            return stem
    return name


def checked(text: str) -> tuple[dict[str, str], dict[tuple, float]]:
    """Check what every exposition must keep, and return the types and the samples."""
    types, samples = read(text)
    values: dict[tuple, float] = {}
    families: list[str] = []
    for found in samples:
        series = (found.name, found.labels)
        if series in values:
            fail(
                called=f"exposition(); checked: line {found.line}",
                got=f"{found.name} with {dict(found.labels)} a second time",
                expected="each series once",
                costs="the server cannot know which of the two numbers is right",
            )
        values[series] = found.value
        name = family(found.name, types)
        if not families or families[-1] != name:
            families.append(name)
        if name not in types:
            fail(
                called=f"exposition(); checked: line {found.line}",
                got=f"{found.name} without a TYPE line for {name}",
                expected=f"# TYPE {name} counter, or histogram, before it",
                costs="the metric is untyped: functions for histograms and counters have nothing to go by",
            )
    repeated = [name for name, times in Counter(families).items() if times > 1]
    assert not repeated, explain(
        called="exposition(); checked: the order of its lines",
        got=f"the series of {', '.join(repeated)} are in several places",
        expected="all series of a name in one piece",
        costs="the format demands it, and readers that stream the text take the second piece for a repetition",
    )
    check_histograms(types, samples)
    return types, values


def check_histograms(types: dict[str, str], samples: list[Sample]) -> None:
    buckets: dict[tuple, list[tuple[float, float, tuple]]] = {}
    counts = {}
    for found in samples:
        name = family(found.name, types)
        if types[name] != "histogram":
            continue
        rest = tuple(pair for pair in found.labels if pair[0] != "le")
        if found.name == name + "_bucket":
            bound = float(dict(found.labels).get("le", "nan"))
            buckets.setdefault((name, rest), []).append((bound, found.value, found.labels))
        elif found.name == name + "_count":
            counts[name, rest] = found.value
    for (name, labels), rows in buckets.items():
        bounds, numbers = [row[0] for row in rows], [row[1] for row in rows]
        assert bounds == sorted(bounds), explain(
            called=f"exposition(); checked: le of the buckets of {name} {dict(labels)}",
            got=bounds,
            expected=sorted(bounds),
            costs="the format demands ascending bounds; readers that stream the text interpolate wrongly",
        )
        assert bounds[-1] == math.inf, explain(
            called=f"exposition(); checked: the last bucket of {name} {dict(labels)}",
            got=f"le={bounds[-1]}",
            expected='le="+Inf"',
            costs="histogram_quantile() has no total to go by and answers NaN",
        )
        last = next(text for label, text in rows[-1][2] if label == "le")
        assert last == "+Inf", explain(
            called=f"exposition(); checked: how the last bucket of {name} {dict(labels)} is printed",
            got=f'le="{last}"',
            expected='le="+Inf"',
            costs='a rule that asks for le="+Inf", as they all do, finds nothing',
        )
        assert numbers == sorted(numbers), explain(
            called=f"exposition(); checked: the counts of the buckets of {name} {dict(labels)}",
            got=numbers,
            expected="each at least the one before: buckets are cumulative",
            costs="percentiles are computed from the differences, and a negative one draws nonsense",
        )
        count = counts.get((name, labels))
        assert count == numbers[-1], explain(
            called=f"exposition(); checked: {name}_count {dict(labels)}",
            got=count,
            expected=f'{numbers[-1]:g}, as in the bucket le="+Inf"',
            costs="averages and percentiles of the same histogram disagree",
        )
