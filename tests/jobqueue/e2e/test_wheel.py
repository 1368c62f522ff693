"""The wheel holds what the sources hold, and the service runs out of it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from jobqueue import __version__
from tests.pythons.environments import base_requirements, link

ROOT = Path(__file__).parents[3]
PACKAGES = ("grading", "jobqueue", "journal")
MADE = {"__pycache__", "node_modules"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the wheel, built without the internet: the build backend is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def sources():
    """Return the files of both packages that are ours, named as in the wheel."""
    files = (file for package in PACKAGES for file in (ROOT / "src" / package).rglob("*") if file.is_file())
    return {file.relative_to(ROOT / "src").as_posix() for file in files if not MADE & set(file.parts)}


def test_the_wheel_holds_every_source_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.split("/")[0] in PACKAGES}
    assert packed == sources()
    assert wheel.name.startswith(f"redrive-{__version__}-")


def test_the_service_runs_out_of_the_unpacked_wheel(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import jobqueue; from jobqueue.adapters import redis_scripts; from jobqueue.main import main;"
        "print(jobqueue.__file__); print(len(redis_scripts.submit.text)); main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--version"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    place, lua, version = done.stdout.split("\n", 2)
    assert Path(place).is_relative_to(tmp_path)
    assert int(lua) > 100
    assert __version__ in version


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return a function that runs Python on the wheel and what it needs without an extra, and on nothing else."""
    folder = tmp_path_factory.mktemp("empty")
    link(base_requirements(), folder)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)

    def run(*command, **environ):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("JOBQUEUE_")}
        return subprocess.run(
            [sys.executable, "-S", *command],  # -S: without the packages of this environment
            env={**inherited, "PYTHONPATH": str(folder), **environ},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("package", ["jobqueue", "journal"])
def test_both_commands_work_without_an_extra(installed, package):
    """`pip install redrive` in an empty environment gives commands that answer."""
    helped, version = installed("-m", package, "--help"), installed("-m", package, "--version")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "Commands:" in helped.stdout
    assert (version.returncode, version.stdout) == (0, f"{package}, version {__version__}\n")


@pytest.mark.parametrize("entry", ["jobqueue.main", "journal.cli"])
def test_the_console_scripts_work_without_an_extra(installed, entry):
    done = installed("-c", f"from {entry} import main; main()", "--help")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (
            ("journal", "quiz"),
            "journal quiz needs packages that are not installed; run: pip install 'redrive[journal]'",
        ),
        (("journal", "site", "--port", "1"), "run: pip install 'redrive[journal,site]'"),
        (("jobqueue", "serve"), "install redrive[embedded], or set JOBQUEUE_REDIS_URL to a server of yours"),
    ],
)
def test_a_command_that_needs_an_extra_says_which(installed, command, sentence):
    package, *rest = command
    done = installed("-m", package, *rest)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_traces_need_an_extra_and_say_so(installed):
    settings = {"JOBQUEUE_TRACES": "otlp", "JOBQUEUE_REDIS_URL": "unix:///nowhere.sock"}
    done = installed("-m", "jobqueue", "worker", **settings)
    assert done.returncode == 1
    assert "JOBQUEUE_TRACES = 'otlp' needs more packages: pip install 'redrive[otlp]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_wheel_says_that_it_is_typed(wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert {f"{package}/py.typed" for package in PACKAGES} <= set(archive.namelist())
