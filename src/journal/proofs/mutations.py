"""The mutation that must turn a proof red: `tests/mutations/<stem of the test file>.toml`, one table a test.

    tests = "tests/course/lessons/test_retries.py"

    [test_full_jitter_flattens_the_herd]
    why = "full jitter is drawn from half of the ceiling only"
    file = "solutions/simulations/backoff.py"
    find = "random.uniform(0, ceiling)"
    replace = "random.uniform(ceiling / 2, ceiling)"

In place of `find` and `replace`, `lay = "solutions/…/wrong/x.py"` lays that fragment over `file`. The subject of a
statement about a library is the call of it in the test, so `file` may be the test's own file.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from grading.splice import SpliceError, splice_file
from journal.content.problems import Problem
from journal.content.test_names import missing_test

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FOLDER = "tests/mutations"
_KEYS = {"why", "file", "find", "replace", "lay"}


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change that makes a claim false.

    Attributes:
        proof: pytest id of the test that must fail.
        why: what the change breaks.
        file: what is changed, relative to the root.
        find: text that occurs in it exactly once; "" when `lay` is given.
        replace: what takes its place.
        lay: a fragment whose definitions take the place of those in `file`, or ""; see `grading.splice`.
        path: where the mutation is written, relative to the root.
        line: of its table.
    """

    proof: str
    why: str
    file: str
    find: str
    replace: str
    lay: str
    path: str
    line: int

    def mutated(self, root: Path) -> str:
        """Return the text of `file` with the change made.

        Raises:
            ValueError: `find` does not occur exactly once, or a file is not there.
        """
        if fault := self.fault(root):
            raise ValueError(fault)
        if self.lay:
            return splice_file(root / self.lay, root / self.file)
        return (root / self.file).read_text(encoding="utf-8").replace(self.find, self.replace)

    def fault(self, root: Path) -> str | None:
        """Return why the change cannot be made, or None."""
        for name in filter(None, (self.file, self.lay)):
            if not (root / name).is_file():
                return f"{name} does not exist; correct the path"
        if self.lay:
            try:
                splice_file(root / self.lay, root / self.file)
            except (SpliceError, SyntaxError) as error:
                return f"{self.lay} cannot be laid over {self.file}: {getattr(error, 'fact', error)}"
            return None
        count = (root / self.file).read_text(encoding="utf-8").count(self.find) if self.find else 0
        if count != 1:
            return f"`find` occurs {count} times in {self.file}; write text that occurs once"
        return f"`find` and `replace` are the same text for {self.file}" if self.find == self.replace else None


def read_mutations(root: Path) -> tuple[dict[str, Mutation], list[Problem]]:
    """Return the mutation of each test by pytest id, and what is wrong with the files that hold them."""
    found: dict[str, Mutation] = {}
    problems: list[Problem] = []
    for file in sorted((root / FOLDER).glob("*.toml")):
        _read_file(root, file, found, problems)
    return found, problems


def mutation_of(root: Path, proof: str) -> Mutation | None:
    """Return the mutation of the test `proof`, if there is one that can be read; it need not fit its file."""
    file = _file_of(root, proof)
    text, data = _parsed_file(file)
    name = proof.partition("::")[2]
    table = data.get(name, {})
    if str(data.get("tests", "")) != proof.partition("::")[0] or _table_fault(table) or missing_test(root, proof):
        return None
    return _mutation(table, proof, file.relative_to(root).as_posix(), _line_of(name, text))


def _file_of(root: Path, proof: str) -> Path:
    return root / FOLDER / f"{proof.partition('::')[0].rpartition('/')[2].removesuffix('.py')}.toml"


def _read_file(root: Path, file: Path, found: dict[str, Mutation], problems: list[Problem]) -> None:
    path = file.relative_to(root).as_posix()
    text = file.read_text(encoding="utf-8")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(Problem(path, 0, f"this is no TOML: {error}"))
        return
    tests = str(data.pop("tests", ""))
    for name, table in data.items():
        line = _line_of(name, text)
        proof = f"{tests}::{name}"
        fault = _table_fault(table) or missing_test(root, proof)
        if fault:
            problems.append(Problem(path, line, f"the mutation of {name}: {fault}"))
            continue
        found[proof] = mutation = _mutation(table, proof, path, line)
        if fault := mutation.fault(root):
            problems.append(Problem(path, line, f"the mutation of {name} cannot be made: {fault}"))


def mutated_files(root: Path, proof: str) -> list[str]:
    """Return the files that the mutation of `proof` changes: they are its subject, imported or not."""
    table = _parsed_file(_file_of(root, proof))[1].get(proof.partition("::")[2])
    file = table.get("file", "") if isinstance(table, dict) else ""
    return [str(file)] if file and file != proof.partition("::")[0] else []


def _mutation(table: dict[str, Any], proof: str, path: str, line: int) -> Mutation:
    return Mutation(proof=proof, path=path, line=line, **{key: str(table.get(key, "")) for key in sorted(_KEYS)})


def _line_of(name: str, text: str) -> int:
    return next((number for number, line in enumerate(text.splitlines(), 1) if line.strip() == f"[{name}]"), 1)


def _parsed_file(file: Path) -> tuple[str, dict[str, Any]]:
    """Return a file of mutations, parsed once as long as it doesn't change; nothing when it can't be read."""
    try:
        stat = file.stat()
    except FileNotFoundError:
        return "", {}
    return _parse(file, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=256)
def _parse(file: Path, _changed_ns: int, _size: int) -> tuple[str, dict[str, Any]]:
    text = file.read_text(encoding="utf-8")
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return "", {}


def mutation_problems(root: Path, proofs: Iterable[str]) -> list[Problem]:
    """Return every proof without a mutation, and every mutation that cannot be made or belongs to no proof."""
    mutations, problems = read_mutations(root)
    wanted = set(proofs)
    for proof in sorted(wanted - set(mutations)):
        stem = proof.partition("::")[0].rpartition("/")[2].removesuffix(".py")
        name = proof.partition("::")[2]
        problems.append(
            Problem(
                f"{FOLDER}/{stem}.toml", 0, f"{proof} has no mutation; add [{name}] with why, file, find and replace"
            )
        )
    problems += [
        Problem(mutation.path, mutation.line, f"{proof} is no proof of anything; leave its mutation out")
        for proof, mutation in mutations.items()
        if proof not in wanted
    ]
    return sorted(problems)


def _table_fault(table: Any) -> str | None:
    if not isinstance(table, dict):
        return "it must be a table with why, file, find and replace"
    if unknown := set(table) - _KEYS:
        return f"it has no key {min(unknown)!r}; known are {', '.join(sorted(_KEYS))}"
    missing = [key for key in ("why", "file") if not table.get(key)]
    if not table.get("lay"):
        missing += [key for key in ("find", "replace") if key not in table]
    return f"it lacks {', '.join(missing)}" if missing else None
