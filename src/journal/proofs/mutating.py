"""Make each mutation in a copy of the journal and see whether its proof turns red. The working tree is never touched.

A copy holds everything but what is built or installed. A mutation counts as caught when its test fails while it runs:
a file that cannot be imported, an error in a fixture and a run that does not end have shown nothing about the claim.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from grading import runner
from grading.overlay import stub_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from journal.proofs.mutations import Mutation

LIMIT_S = 90.0
_LEFT_OUT = (
    ".git", ".venv", ".cache", ".redrive", ".ci", "build", "dist", "node_modules", "__pycache__", ".hypothesis",
    ".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache", ".ipynb_checkpoints",
)  # fmt: skip
# Such a failure says that the changed file is no program, not that the claim is false.
_BROKEN = re.compile(r"(?:SyntaxError|IndentationError|ImportError|ModuleNotFoundError|NameError)\b")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutation: caught, or why not."""

    mutation: Mutation
    caught: bool
    said: str

    def __str__(self) -> str:
        mutation = self.mutation
        return f"{mutation.path}:{mutation.line}: {mutation.proof} with {mutation.why!r}: {self.said}"


class Copy:
    """One copy of the journal `root` in `folder`, in which tests can be run and files changed."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder = folder / "journal"
        shutil.copytree(root, self.folder, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True)
        for file in self.folder.glob("exercises/*/*.py"):
            # What the learner wrote is no part of any proof.
            if file.stem == file.parent.name and (stub := stub_text(root, file.stem)) is not None:
                file.write_text(stub, encoding="utf-8")
        if shutil.which("git"):
            who = ["-c", "user.name=proofs", "-c", "user.email=proofs@localhost"]
            for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "copy"]):
                subprocess.run(["git", *who, *command], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def run(self, tests: Sequence[str], limit_s: float) -> tuple[dict[str, str], str]:
        """Run tests; return how each came out (passed, failed, skipped, or an error's text), and the whole output.

        A test with parameters counts as failed when one of them failed, and as passed when all passed.
        """
        report = self.folder.parent / "report.xml"
        report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
        output = _run([*command, "-o", "junit_family=xunit1", *tests], self.folder, limit_s)
        if not report.exists():
            return {}, output
        return _outcomes(report), output

    def try_out(self, mutation: Mutation, limit_s: float) -> Verdict:
        """Make the change, run the one test, undo the change."""
        file = self.folder / mutation.file
        before = file.read_text(encoding="utf-8")
        try:
            text = mutation.mutated(self.folder)
        except ValueError as error:
            return Verdict(mutation, caught=False, said=f"it cannot be made: {error}")
        file.write_text(text, encoding="utf-8")
        try:
            outcomes, output = self.run([mutation.proof], limit_s)
        finally:
            file.write_text(before, encoding="utf-8")
        return _judge(mutation, outcomes.get(mutation.proof, ""), output)


def survivors(
    root: Path, mutations: Iterable[Mutation], *, workers: int = 2, limit_s: float = LIMIT_S
) -> list[Verdict]:
    """Try every mutation and return those that were not caught, and the proofs that fail without any.

    Args:
        root: the journal's folder.
        mutations: what to try.
        workers: copies that are worked in at the same time.
        limit_s: real seconds for one test; all of them unchanged get ten times as long.
    """
    wanted = list(mutations)
    with tempfile.TemporaryDirectory(prefix="redrive-mutations-") as name:
        copies: SimpleQueue[Copy] = SimpleQueue()
        for number in range(workers):
            copies.put(Copy(root, Path(name) / str(number)))

        def one(mutation: Mutation) -> Verdict:
            copy = copies.get()
            try:
                return copy.try_out(mutation, limit_s)
            finally:
                copies.put(copy)

        first = copies.get()
        sound, output = first.run([mutation.proof for mutation in wanted], 10 * limit_s)
        copies.put(first)
        ill = [mutation for mutation in wanted if sound.get(mutation.proof) != "passed"]
        with ThreadPoolExecutor(workers) as pool:
            verdicts = list(pool.map(one, [mutation for mutation in wanted if mutation not in ill]))
    said = "its test does not pass without the mutation either"
    return [
        *(Verdict(mutation, caught=False, said=f"{said}: {_reason(sound, mutation, output)}") for mutation in ill),
        *(verdict for verdict in verdicts if not verdict.caught),
    ]


def _reason(outcomes: dict[str, str], mutation: Mutation, output: str) -> str:
    return outcomes.get(mutation.proof) or " ".join(output.split())[-300:]


def _judge(mutation: Mutation, outcome: str, output: str) -> Verdict:
    if outcome.startswith("failed"):
        broken = _BROKEN.match(outcome.removeprefix("failed: "))
        said = f"the changed file is broken, not wrong: {outcome}" if broken else outcome
        return Verdict(mutation, caught=not broken, said=said)
    if outcome == "passed":
        return Verdict(mutation, caught=False, said="the test passed all the same; it does not show the claim")
    return Verdict(mutation, caught=False, said=outcome or f"the test did not run: {' '.join(output.split())[-300:]}")


def _outcomes(report: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314 - written by our own pytest just now
        owner = case.get("classname", "").split(".")
        name = str(case.get("name")).partition("[")[0]
        file = str(case.get("file") or "")
        classes = [part for part in owner if part.startswith("Test")]
        proof = "::".join([file, *classes, name])
        outcome = "passed"
        for kind, word in (("failure", "failed"), ("error", "error"), ("skipped", "skipped")):
            if (node := case.find(kind)) is not None:
                outcome = f"{word}: {' '.join(str(node.get('message')).split())[:300]}"
        earlier = found.get(proof, "passed")
        found[proof] = min(earlier, outcome, key=_rank)
    return found


def _rank(outcome: str) -> int:
    """Errors come first: of a test with parameters, one that could not even start is what to look at."""
    return ["error", "failed", "skipped", "passed"].index(outcome.partition(":")[0])


def _run(command: list[str], folder: Path, limit_s: float) -> str:
    # The copy's packages come before the installed ones, which are the working tree's.
    own = {"PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = runner.run(command, folder, runner.clean_environment() | own, limit_s)
    return f"it ran longer than {limit_s:g} s and was ended" if done.returncode is None else done.output
