"""The right and wrong backoffs that the learner's tests are put to, and how that is done.

They are the solutions of `backoff`, its wrong solutions of steps 1 and 2, and the further implementations in
`solutions/testbackoff/implementations/`. When a wrong one slips through, the message says what it causes in production.
Finding the line that is wrong is what the learner's tests are for.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from pathlib import Path

from grading import explain, fail
from grading.examine import Ran, Request, examine, in_place_of, module_from, still_unwritten
from grading.splice import splice_file

GRADED_AGAINST = "backoff"
NAME = f"exercises.{GRADED_AGAINST}.{GRADED_AGAINST}"
HERE = Path(__file__).resolve().parent
TESTS = HERE / "testbackoff.py"
SOLUTIONS = HERE.parents[1] / "solutions"
REFERENCE = SOLUTIONS / GRADED_AGAINST / f"{GRADED_AGAINST}.py"


CEILING, JITTER = "test_ceiling", "test_jitter"

REFUSED = "a correct program is held up by its tests, and people learn to ignore a red run"


@dataclass(frozen=True)
class Implementation:
    """Something that could be somebody's backoff.py.

    `told` is how it differs, or what it causes; `reference` is the program that its file is a fragment of.
    """

    file: Path
    told: str
    reference: Path | None = None

    def source(self) -> str:
        """Return the whole program."""
        if self.reference is None:
            return self.file.read_text(encoding="utf-8")
        return splice_file(self.file, self.reference)


NOTHING = """\
def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return lambda *_args, **_named: None
"""


def told(file: Path, label: str) -> str:
    """Read what the docstring of a file says after `label`, up to the next label."""
    text = file.read_text(encoding="utf-8").split('"""')[1]
    found = re.search(rf"^{label}: *(.*?)(?=^\w+:|\Z)", text, re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def right_ones() -> list[Implementation]:
    own = [REFERENCE]
    own += sorted((SOLUTIONS / GRADED_AGAINST / "alternatives").glob("*.py"))
    found = [Implementation(file, f"solutions/{GRADED_AGAINST}/ holds it") for file in own if file.exists()]
    further = sorted((SOLUTIONS / "testbackoff" / "implementations" / "right").glob("*.py"))
    return found + [Implementation(file, told(file, "Differs")) for file in further]


def wrong_ones(step: int) -> list[Implementation]:
    """List the wrong ones whose first mistake is in that step of `backoff`."""
    folders = (SOLUTIONS / GRADED_AGAINST / "wrong", SOLUTIONS / "testbackoff" / "implementations" / "wrong")
    files = sorted(file for folder in folders for file in folder.glob("*.py"))
    return [
        Implementation(file, told(file, "Incident"), REFERENCE)
        for file in files
        if told(file, "Fails").startswith(str(step))
    ]


RIGHT, WRONG_CEILINGS, WRONG_JITTERS = right_ones(), wrong_ones(1), wrong_ones(2)
MANY = [str(number) for number in range(1, 100)]

# The file is read here once, so that one that cannot be imported is told with its line, whatever the learner's own
# backoff.py is like.
with in_place_of(NAME, module_from(NOTHING, "", NAME)):
    importlib.import_module("exercises.testbackoff.testbackoff")


def run(prefix: str, tried: Implementation | None, seed: int = 0) -> Ran:
    """Put the tests of one kind to an implementation, or to nothing; they must exist and be written."""
    source, file = (NOTHING, "") if tried is None else (tried.source(), str(tried.file))
    ran = examine(TESTS, Request(prefix, NAME, source, file, seed))
    still_unwritten(ran, TESTS)
    if not ran.passed and not ran.failed:
        fail(
            called=f"your tests whose names begin with {prefix}",
            got="there are none",
            expected="at least one test",
        )
    return ran


def accepts(prefix: str, right: Implementation) -> None:
    for seed in (1, 2):
        ran = run(prefix, right, seed)
        assert ran.accepts, explain(
            called=f"your {prefix}… tests, run on a correct implementation",
            got=f"{ran.failed} refuses it: {ran.why}",
            expected="all your tests pass",
            note=f"this implementation is correct, and not built as you may expect: {right.told}",
            costs=REFUSED,
        )
        if not ran.chance:  # another seed would change nothing
            return


def refuses(prefix: str, wrong: Implementation) -> None:
    ran = run(prefix, wrong)
    assert not ran.accepts, explain(
        called=f"your {prefix}… tests, run on an implementation with one mistake",
        got=f"all {len(ran.passed)} of your tests pass, so the mistake slips through",
        expected="at least one of your tests fails",
        costs=wrong.told,
    )


def looks(prefix: str) -> None:
    ran = run(prefix, None)
    assert not ran.accepts, explain(
        called=f"your {prefix}… tests, run on functions that return None",
        got=f"all {len(ran.passed)} of your tests pass",
        expected="at least one of your tests fails",
        costs="tests that cannot fail stay green when the function stops working",
    )
