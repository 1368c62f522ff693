"""Whether pytest itself collects the tests that are named as proofs; asked once for each state of the test files."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from journal.content.problems import Problem
from journal.content.test_names import missing_test
from journal.proofs.named_proofs import named_proofs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_CACHE = ".cache/proofs-collected.json"
_LIMIT_S = 300


def uncollected(root: Path) -> list[Problem]:
    """Return one problem for each claim or card whose proof pytest does not collect.

    A file that does not define the test is the business of the static checks, and left out here.
    """
    named = {proof: where for proof, where in named_proofs(root).items() if not missing_test(root, proof)}
    if not named:
        return []
    collected, said = collected_tests(root, named)
    return [
        Problem(one.path, one.line, f"the proof {proof} is not collected by pytest{_because(said, proof)}")
        for proof, where in named.items()
        if proof not in collected
        for one in where
    ]


def collected_tests(root: Path, proofs: Iterable[str]) -> tuple[set[str], str]:
    """Return the tests, without parameters, that pytest collects in the files of `proofs`, and its complaints."""
    files = sorted({proof.partition("::")[0] for proof in proofs})
    conftests = sorted({*(root / "tests").rglob("conftest.py"), root / "pyproject.toml"})
    hashed = hashlib.sha256()
    for file in [*(root / name for name in files), *conftests]:
        hashed.update(f"{file.relative_to(root).as_posix()}\0".encode())
        hashed.update(file.read_bytes() if file.is_file() else b"")
    key = hashed.hexdigest()
    cache = root / _CACHE
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
        if known["key"] == key:
            return set(known["tests"]), ""
    except (OSError, ValueError, KeyError, TypeError):
        pass
    tests, said = _collect(root, files)
    if not said:
        cache.parent.mkdir(exist_ok=True)
        cache.write_text(json.dumps({"key": key, "tests": sorted(tests)}) + "\n", encoding="utf-8")
    return tests, said


def _collect(root: Path, files: list[str]) -> tuple[set[str], str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "--no-header", "-p", "no:cacheprovider", *files]
    inherited = {name: value for name, value in os.environ.items() if name not in {"PYTEST_ADDOPTS", "CI"}}
    done = subprocess.run(
        command,
        cwd=root,
        env={**inherited, "REDRIVE_NO_HISTORY": "1", "REDRIVE_REQUIRE_BROWSER": "0"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=_LIMIT_S,
    )
    lines = done.stdout.splitlines()
    tests = {line.partition("[")[0] for line in lines if "::" in line and not line.startswith(("ERROR", "FAILED", " "))}
    return tests, "" if done.returncode == 0 else done.stdout + done.stderr


def _because(said: str, proof: str) -> str:
    path = proof.partition("::")[0]
    reason = (
        next((line.removeprefix("E").strip() for line in said.splitlines() if line.startswith("E  ")), "")
        if path in said
        else ""
    )
    return f": {reason}" if reason else f"; run .venv/bin/pytest --collect-only -q {path}"
