"""The wheel holds what the sources hold, and the service runs out of it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from jobqueue import __version__

ROOT = Path(__file__).parents[3]
PACKAGES = ("jobqueue", "journal")
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
