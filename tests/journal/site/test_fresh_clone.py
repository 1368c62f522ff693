"""What a newcomer sees: `make site` in a fresh clone, and the weekly page turns green while they read.

About four minutes on two cores: two for the first build, up to two for the proofs.
"""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MODULES = "src/journal/web/node_modules"
WEEK = "journal/month-05/week-04/"
READING_S = 120
JOURNAL = """\
#!{python}
from journal.cli import main
main()
"""

pytestmark = [
    pytest.mark.long,
    pytest.mark.alone,
    pytest.mark.skipif(os.name == "nt", reason="make, and Ctrl+C is sent as a signal"),
]


@pytest.fixture
def clone(tmp_path):
    """A clone of HEAD whose environment finds this one's packages, so that nothing is installed a second time."""
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    environment = folder / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    own = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    # The clone's own sources come first. A .pth file in the other folder, where ours is installed from, is not read.
    paths = [folder / "src", folder, sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    (Path(own) / "clone.pth").write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    (environment / "share").symlink_to(Path(sys.prefix) / "share")  # nbconvert's templates
    program = environment / "bin" / "journal"
    program.write_text(JOURNAL.format(python=python), encoding="utf-8")
    program.chmod(0o755)
    spec = importlib.util.spec_from_file_location("bootstrap_of_the_clone", folder / "src/journal/bootstrap.py")
    bootstrap = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bootstrap)
    Path(bootstrap.STAMP).write_text(bootstrap.wanted_stamp(sys.executable), encoding="utf-8")
    if (ROOT / MODULES).is_dir():
        (folder / MODULES).symlink_to(ROOT / MODULES)
    return folder


@contextmanager
def make_site(folder):
    """`make site` in `folder`; yields its address, and ends it as Ctrl+C does."""
    left_out = ("PYTEST_", "REDRIVE_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    environment |= {"PYTHONUNBUFFERED": "1", "REDRIVE_HISTORY": str(folder / "history.jsonl")}
    process = subprocess.Popen(
        ["make", "site"], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if found := re.search(r" is at (http://127\.0\.0\.1:\d+/)", line):
                yield found[1]
                return
        raise AssertionError(f"`make site` printed no address:\n{''.join(said)}")
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()


def states(url):
    """Return the state of each mark on the page, by its proof."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        page = answer.read().decode()
    return dict(re.findall(r'data-proof="([^"]+)" data-state="([^"]+)"', page))


def test_every_mark_of_the_weekly_page_is_green_after_two_minutes(clone):
    with make_site(clone) as url:
        answered = time.monotonic()
        seen = states(url + WEEK)
        assert len(seen) > 30
        assert "passed" not in seen.values()
        while set(seen.values()) != {"passed"} and time.monotonic() - answered < READING_S:
            time.sleep(1)
            seen = states(url + WEEK)
        took = time.monotonic() - answered
        left = {proof: state for proof, state in seen.items() if state != "passed"}
        assert not left, f"after {took:.0f} s {len(left)} of {len(seen)} marks are not green: {left}"
