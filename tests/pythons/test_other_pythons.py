"""Python 3.11 to 3.14, and the lowest redis-py and fakeredis that we allow: the same tests on each that can be had.

One missing interpreter prints one line and fails nothing. `make test` itself is the run of the interpreter that has the
project's environment.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.pythons.environments import ROOT, interpreters, lowest_allowed, make

TESTS = ("tests/jobqueue/unit", "tests/jobqueue/contract", "tests/jobqueue/resets", "tests/pythons/check_exercises.py")
LIMIT_S = 600


def run_tests(python):
    """Run the tests with this Python, and return the end of what pytest said and whether they passed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("JOBQUEUE_", "PYTEST_"))}
    command = [
        python,
        "-m",
        "pytest",
        "-q",
        "-m",
        "not long",
        "-x",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:journal-proofs",
    ]
    done = subprocess.run(
        [*command, "--timeout", "120", "--timeout-method", "thread", *TESTS],
        cwd=ROOT,
        env={**environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return done.returncode == 0, (done.stdout + done.stderr)[-4000:]


@pytest.mark.long
@pytest.mark.alone
def test_the_service_and_the_exercises_work_on_every_python_and_on_the_lowest_libraries(pythons_missing):
    """We promise no version that was not tried.

    Did: ran unit, contract, reset and exercise tests on each Python from 3.11 to 3.14 that this machine has, and once
        more with the lowest redis-py and fakeredis that pyproject.toml allows.
    Saw: all pass everywhere.
    Otherwise: we would promise versions on which a private part that we use is another one.
    """
    found = interpreters()
    pythons_missing += [version for version, path in found.items() if path is None]
    lowest = {name: lowest_allowed(name) for name in ("redis", "fakeredis")}
    wanted = {f"python{version}": (path, {}) for version, path in found.items() if path}
    wanted["lowest"] = (sys.executable, lowest)

    def run(name):
        path, replaced = wanted[name]
        return name, *run_tests(make(path, name, replaced))

    with ThreadPoolExecutor(2) as both_cores:
        results = list(both_cores.map(run, wanted))
    for name, _, said in results:
        print(name, lowest if name == "lowest" else "", said.strip().splitlines()[-1])
    failed = [f"{name}\n{said}" for name, passed, said in results if not passed]
    assert not failed, "\n\n".join(failed)
