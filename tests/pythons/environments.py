"""Virtual environments of other interpreters, and of the lowest redis-py and fakeredis that we allow.

Each holds what the tests of the job service and of the exercises import, at the versions of the lock. It is made once
under `build/pythons` and again when the lock or its list of packages changes.
"""

import hashlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "pythons"
OLDEST, NEWEST = (3, 11), (3, 14)
EXTRAS = ("embedded", "uvloop", "otlp")
TOOLS = ("fakeredis[lua]", "pytest", "pytest-timeout", "hypothesis", "fsrs", "pyyaml")
"""What the tests that run here need beside the service; the journal's part is what `tests/conftest.py` imports."""

LIMIT_S = 300


def interpreters():
    """Return {version: path or None} of every Python that we promise, except the one that runs this."""
    minors = range(OLDEST[1], NEWEST[1] + 1)
    return {f"3.{minor}": _find(minor) for minor in minors if minor != sys.version_info.minor}


def _find(minor):
    """Look on the PATH, then among the versions of pyenv; a shim that does not start does not count."""
    by_pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"3.{minor}.*/bin/python3.{minor}"), reverse=True)
    for candidate in filter(None, [shutil.which(f"python3.{minor}"), *by_pyenv]):
        command = [candidate, "-c", "import sys; print(sys.version_info.minor)"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == str(minor):
            return Path(candidate)
    return None


def lowest_allowed(name):
    """Return the lowest version of a package that pyproject.toml allows."""
    project = _project()
    texts = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    (specifier,) = {
        spec.version
        for needed in map(Requirement, texts)
        if canonicalize_name(needed.name) == name
        for spec in needed.specifier
        if spec.operator in (">=", "==")
    }
    return specifier.removesuffix(".*")


def base_requirements():
    """Return what `pip install redrive` brings without an extra."""
    return _project()["dependencies"]


def link(wanted, folder):
    """Fill a folder with what an environment of these requirements alone would hold, as links to the files of ours."""
    for name in closure(wanted):
        distribution = importlib.metadata.distribution(name)
        for file in distribution.files:
            if ".." in file.parts or "__pycache__" in file.parts:
                continue
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).symlink_to(distribution.locate_file(file))


def _project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def make(python, name, replaced=()):
    """Make an environment of this interpreter and return its Python.

    Args:
        python: Path of the interpreter.
        name: Folder of the environment below `build/pythons`.
        replaced: {package: version} that differs from the lock; such an environment is installed without hashes.
    """
    replaced = dict(replaced)
    project = _project()
    extras = [text for extra in EXTRAS for text in project["optional-dependencies"][extra]]
    lines = locked(closure([*project["dependencies"], *extras, *TOOLS]), replaced)
    stamp = hashlib.sha256("\n".join([str(python), *lines]).encode()).hexdigest()
    folder, made = BUILD / name, BUILD / name / "made-from"
    inside = folder / "bin" / "python"
    if made.is_file() and made.read_text() == stamp and inside.exists():
        return inside
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([python, "-m", "venv", folder], check=True)
    wanted = folder / "requirements.txt"
    wanted.write_text("\n".join(lines) + "\n")
    hashes = [] if replaced else ["--require-hashes"]
    subprocess.run(
        [inside, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", *hashes, "-r", wanted],
        check=True,
        timeout=LIMIT_S,
        capture_output=True,
    )
    made.write_text(stamp)
    return inside


def closure(wanted):
    """Return the names of all packages that these need, as this environment's metadata tells."""
    names, seen, pending = set(), set(), [Requirement(text) for text in wanted]
    while pending:
        needed = pending.pop()
        key = canonicalize_name(needed.name), frozenset(needed.extras)
        if key in seen:
            continue
        seen.add(key)
        names.add(key[0])
        for text in importlib.metadata.requires(needed.name) or ():
            further = Requirement(text)
            extras = needed.extras or {""}
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in extras):
                pending.append(further)
    return names


def locked(names, replaced):
    """Return the lines of the lock for these packages; without hashes where a version is replaced."""
    lines = []
    for block in re.split(r"\n(?=[a-zA-Z0-9])", (ROOT / "requirements.txt").read_text("utf-8")):
        name = canonicalize_name(re.split(r"[=<>\[ ;]", block, maxsplit=1)[0])
        if name not in names:
            continue
        kept = "\n".join(line for line in block.splitlines() if not line.strip().startswith("#"))
        if replaced:
            kept = kept.splitlines()[0].rstrip(" \\")
            if name in replaced:
                kept = f"{name}=={replaced[name]}"
        lines.append(kept)
    return lines
