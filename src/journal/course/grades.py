"""Grade every file of an exercise in an overlay, and report every verdict that is not as declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from grading.grader import Graders
from grading.overlay import Graded, OverlayError
from journal.content.problems import Problem
from journal.content.settings import read_course
from journal.course.declared import Wrong, read_wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from journal.course.exercises import Exercise

AT_ONCE = 2
MIN_WRONG = 8
SEEDS_APART = 1000


@dataclass(frozen=True, slots=True)
class Tally:
    """The results of grading one exercise's files.

    Attributes:
        steps: how many it has.
        solutions: how many right ones there are, of which `accepted` passed under every seed.
        wrong: how many wrong ones there are, of which `caught` failed as they declare under every seed.
        sweeps: of seeds that right ones ran under, `wrong_sweeps` that wrong ones did.
        flaky: files whose verdict was not the same in every sweep.
    """

    steps: int
    solutions: int
    accepted: int
    wrong: int
    caught: int
    sweeps: int
    wrong_sweeps: int
    flaky: tuple[str, ...]


@dataclass
class Found:
    """The results of all runs.

    Attributes:
        problems: what is wrong.
        said: one line an exercise on what was graded.
        messages: every failure message of a wrong solution, by its file.
        tallies: how many of an exercise's files were judged as they should be, by its slug.
    """

    problems: list[Problem] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    messages: dict[str, str] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)


def check_grades(
    exercises: list[Exercise], *, seeds: int = 1, tell: Callable[[str], None] = lambda _line: None
) -> list[Problem]:
    """Grade stubs, solutions, alternatives and wrong solutions of the exercises; return what is wrong.

    See `grade_all` for the arguments.
    """
    return grade_all(exercises, seeds=seeds, tell=tell).problems


def grade_all(exercises: list[Exercise], *, seeds: int = 1, tell: Callable[[str], None] = lambda _line: None) -> Found:
    """Grade stubs, solutions, alternatives and wrong solutions of the exercises.

    Args:
        exercises: which.
        seeds: how many sweeps; each starts `SEEDS_APART` seeds further on. Wrong solutions get a tenth, at least one.
            Tests without a network have no seeds, and one sweep says it all.
        tell: called with a line when an exercise is done.
    """
    found = Found()
    for exercise in exercises:
        with Graders(exercise.root, AT_ONCE) as graders:
            _check(exercise, found, graders, seeds if exercise.uses_network else 1)
        tell(found.said[-1])
        found.problems += missing_mistakes(exercise, found.messages)
    return found


def missing_mistakes(exercise: Exercise, messages: dict[str, str]) -> list[Problem]:
    """Complain of every mistake that `course.toml` demands and no wrong solution of the exercise makes.

    Args:
        exercise: which.
        messages: the failure message of each wrong solution, by its file.
    """
    folder = exercise.path("wrong")
    own = [message for path, message in messages.items() if path.startswith(f"{folder}/")]
    return [
        Problem(folder, 0, f"holds no wrong solution that is {demand.mistake}; add one")
        for demand in read_course(exercise.root, exercise.slug)[0].demands
        if not any(text in message for message in own for text in demand.says)
    ]


def _check(exercise: Exercise, found: Found, graders: Graders, seeds: int) -> None:
    declared = [read_wrong(file, exercise.root) for file in exercise.files_in("wrong")]
    wrongs = [one for one in declared if isinstance(one, Wrong)]  # check_texts tells of the others
    if len(declared) < MIN_WRONG:
        found.problems.append(
            Problem(exercise.path("wrong"), 0, f"holds {len(declared)} wrong solutions; have at least {MIN_WRONG}")
        )
    right = [exercise.root / exercise.path("solution"), *exercise.files_in("alternatives")]
    right = [file for file in right if file.exists()]

    def submit(text: str, sweep: int) -> Callable[[], Graded]:
        return graders.submit(exercise.slug, text, environment={"REDRIVE_SEEDS_FROM": str(1 + sweep * SEEDS_APART)})

    stub_text = exercise.stub()
    stub = None if stub_text is None else submit(stub_text, 0)
    rights = [
        (file, sweep, submit(file.read_text(encoding="utf-8"), sweep)) for file in right for sweep in range(seeds)
    ]
    runs = [(wrong, sweep, submit(wrong.text, sweep)) for wrong in wrongs for sweep in range(max(1, seeds // 10))]

    tests: dict[str, str] = {}
    caught: set[str] = set()
    verdicts = _Verdicts()
    if stub is not None:
        found.problems += _guarded(exercise.path("stub"), stub, partial(_judge_stub, exercise))
    for file, sweep, result in rights:
        path = file.relative_to(exercise.root).as_posix()
        judge = partial(_judge_right, path, sweep, tests)
        found.problems += verdicts.keep(path, result, judge)
    for wrong, sweep, result in runs:
        judge = partial(_judge_wrong, wrong, sweep, caught, found.messages)
        found.problems += verdicts.keep(wrong.path, result, judge)
    found.problems += [
        Problem(path, 0, f"no wrong solution fails {name}; add the mistake it is there for, or drop it")
        for name, path in sorted(tests.items())
        if name not in caught
    ]
    accepted = sum(file.relative_to(exercise.root).as_posix() not in verdicts.faulty for file in right)
    found.tallies[exercise.slug] = Tally(
        steps=verdicts.steps,
        solutions=len(right),
        accepted=accepted,
        wrong=len(declared),
        caught=sum(wrong.path not in verdicts.faulty for wrong in wrongs),
        sweeps=seeds,
        wrong_sweeps=max(1, seeds // 10),
        flaky=tuple(sorted(path for path, seen in verdicts.seen.items() if len(seen) > 1)),
    )
    first = "stub" if stub is not None else "stub not checked (without git it may be yours)"
    counts = f"{len(right)} solutions, {len(wrongs)} wrong solutions"
    found.said.append(f"{exercise.slug}: {first}, {counts}" + (f", {seeds} sweeps of seeds" if seeds > 1 else ""))


class _Verdicts:
    """What the runs of each file came to, to be compared over the sweeps."""

    def __init__(self) -> None:
        self.seen: dict[str, set[tuple[int, ...]]] = {}
        self.faulty: set[str] = set()
        self.steps = 0

    def keep(self, path: str, result: Callable[[], Graded], judge: Callable[[Graded], list[Problem]]) -> list[Problem]:
        def note(graded: Graded) -> list[Problem]:
            self.steps = max(self.steps, len(graded.steps))
            self.seen.setdefault(path, set()).add(tuple(graded.steps_that("failed", "not_started", "not_run")))
            return judge(graded)

        problems = _guarded(path, result, note)
        if problems:
            self.faulty.add(path)
        return problems


def _guarded(path: str, result: Callable[[], Graded], judge: Callable[[Graded], list[Problem]]) -> list[Problem]:
    try:
        return judge(result())
    except OverlayError as error:
        return [Problem(path, 0, f"could not be graded: {error}")]


def _function(name: str) -> str:
    """Return a test's name without the brackets of its parameters."""
    return name.partition("[")[0]


def _judge_stub(exercise: Exercise, graded: Graded) -> list[Problem]:
    path = exercise.path("stub")
    if graded.broken:
        return [Problem(path, 0, f"cannot be imported as it is committed: {graded.broken}")]
    problems = []
    for step in graded.steps:
        for test in step.tests:
            if test.outcome == "passed":
                fact = f"the untouched stub passes {test.name} of step {step.n}"
                problems.append(Problem(test.file, 0, f"{fact}; make the test call what the step asks for"))
            elif test.outcome == "failed":
                fact = f"the untouched stub fails {test.name} of step {step.n} as if it were wrong, not as not started"
                first = test.message.splitlines()[0] if test.message else ""
                problems.append(Problem(path, test.line or 0, f"{fact} ({first}); raise NotImplementedError there"))
    if graded.returncode == 0:
        problems.append(Problem(path, 0, "the untouched stub gives a green run; a first run is meant to be red"))
    return problems


def _judge_right(path: str, sweep: int, tests: dict[str, str], graded: Graded) -> list[Problem]:
    if graded.broken:
        return [Problem(path, 0, f"cannot be graded: {graded.broken}")]
    problems = []
    for step in graded.steps:
        tests.update({_function(test.name): test.file for test in step.tests})
        for test in step.tests:
            if test.outcome != "passed":
                seed = f" under seed {test.seed} (sweep from {1 + sweep * SEEDS_APART})" if test.seed else ""
                message = test.message.replace("\n", "\n    ")
                problems.append(
                    Problem(path, test.line or 0, f"does not pass {test.name} of step {step.n}{seed}:\n    {message}")
                )
        if not step.tests:
            problems.append(Problem(path, 0, f"step {step.n} has no test that ran"))
    if not problems and graded.returncode != 0:
        problems.append(Problem(path, 0, f"passes every step, and pytest still ends with {graded.returncode}"))
    return problems


def _judge_wrong(wrong: Wrong, sweep: int, caught: set[str], messages: dict[str, str], graded: Graded) -> list[Problem]:
    seeds = f" (seeds from {1 + sweep * SEEDS_APART})" if sweep else ""
    if graded.broken:
        return [Problem(wrong.path, 0, f"cannot be graded, and a wrong solution has to run: {graded.broken}")]
    failed = [test for step in graded.steps for test in step.tests if test.outcome == "failed"]
    caught.update(_function(test.name) for test in failed)
    said = "\n".join(test.message for test in failed)
    messages[wrong.path] = said
    problems = []
    steps = tuple(sorted(graded.steps_that("failed")))
    if steps != wrong.fails:
        names = ", ".join(dict.fromkeys(_function(test.name) for test in failed)) or "no test"
        problems.append(
            Problem(
                wrong.path,
                1,
                f"declares `Fails: {_listed(wrong.fails)}` and fails {_listed(steps) or 'nothing'}{seeds} ({names}); "
                "correct the declaration, or the tests",
            )
        )
    elif " ".join(wrong.says.split()) not in " ".join(said.split()):
        problems.append(
            Problem(
                wrong.path,
                1,
                f"declares `Says: {wrong.says}`, which no failure message holds{seeds}; the first is:\n    "
                + (failed[0].message.replace("\n", "\n    ") if failed else ""),
            )
        )
    unwritten = graded.steps_that("not_started")
    if unwritten:
        problems.append(
            Problem(wrong.path, 0, f"leaves steps {_listed(unwritten)} unwritten; one mistake, all else right")
        )
    return problems


def _listed(numbers: tuple[int, ...] | list[int]) -> str:
    return ", ".join(str(number) for number in numbers)
