"""The wheels that an image of the service is built from: the service's own at two versions, and what they need."""

import hashlib
import subprocess
import sys
import tarfile

from tests.pythons.environments import ROOT, closure, locked

BUILD = ROOT / "build" / "containers"
OLD = "a1eea62"
"""Version 0.5.0, the first from which an upgrade is tested."""

NEEDED = ("embedded", "otlp", "uvloop")
LIMIT_S = 300


def dependencies():
    """Return a folder with the wheels of everything that both versions need; fetched when the lock changes."""
    lines = locked(closure([f"redrive[{','.join(NEEDED)}]"]), {})
    stamp = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
    folder = BUILD / f"wheels-{stamp}"
    if not folder.is_dir():
        BUILD.mkdir(parents=True, exist_ok=True)
        wanted = BUILD / "wanted.txt"
        wanted.write_text("\n".join(lines) + "\n")
        options = ("--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:")
        fetched = BUILD / f"{stamp}-unfinished"
        command = [sys.executable, "-m", "pip", "download", *options, "-d", fetched, "-r", wanted]
        subprocess.run(command, check=True, timeout=LIMIT_S, capture_output=True)
        fetched.rename(folder)
    return folder


def has_old():
    """Tell whether this checkout's history reaches back to 0.5.0."""
    command = ["git", "cat-file", "-e", f"{OLD}^{{commit}}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def build_new(folder):
    """Build this version's wheel into a folder."""
    _build(ROOT, folder)


def build_old(folder, scratch):
    """Build the wheel of 0.5.0 into a folder, from the history of this checkout."""
    archive, source = scratch / "old.tar", scratch / "old"
    subprocess.run(["git", "archive", "-o", archive, OLD], cwd=ROOT, check=True)
    with tarfile.open(archive) as tar:
        tar.extractall(source, filter="data")
    _build(source, folder)


def _build(source, folder):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
