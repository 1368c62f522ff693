"""Build the site: check the content, run what has to be run, let MkDocs build strictly, check every link of the result.

A build goes into a folder beside its target and takes its place only when it is whole, so a failed build leaves the
site that was there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import grading
import journal
from journal.check import check_all
from journal.content.library import library
from journal.content.problems import ContentError
from journal.proofs.collection import uncollected
from journal.review.history.lock import exclusive
from journal.site.dead_links import dead_links
from journal.site.notebooks import executed
from journal.site.proof_marks import stamp
from journal.site.workshop import stubs

# What the pages are made of. An exercise's stub is not among them: the file is the learner's, and what a page offers is
# the committed one, which `fingerprint` adds.
_INPUTS = (
    "mkdocs.yml",
    "requirements.txt",
    "docs/**/*",
    "notebooks/*.ipynb",
    "exercises/*/README.md",
    "exercises/*/test_*.py",
    "exercises/*/given.py",
    "exercises/*/course.toml",
    "exercises/conftest.py",
    "solutions/**/*",
    "src/**/*",
    "tests/**/*.py",
    "tests/mutations/*.toml",
)
_ENGINE = tuple(Path(str(package.__file__)).resolve().parent for package in (journal, grading))
_SKIPPED = {"__pycache__", "node_modules", ".ipynb_checkpoints"}


class BuildError(Exception):
    """MkDocs refused to build; the message holds what it said."""


def problems_of(root: Path) -> None:
    """Check everything a build depends on.

    Raises:
        ContentError: naming each fault with file and line.
    """
    problems = check_all(library(root))
    # pytest is asked only about what stands: a file that cannot be read would be reported twice.
    problems = problems or uncollected(root)
    if problems:
        raise ContentError(set(problems))


def build(root: Path, target: Path, *, from_disk: bool = False) -> None:
    """Build the site of the journal `root` into `target`, replacing what is there.

    Args:
        root: the journal's folder.
        target: the site's folder.
        from_disk: make pages that open without a server: `a/b.html` in place of `a/b/`.

    Raises:
        ContentError: faults of the content, each with file and line.
        BuildError: MkDocs found fault with something that the checks did not.
    """
    problems_of(root)
    executed(root)  # the hook does too, and could name no cell
    fresh = target.with_name(f"{target.name}.building")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.parent.mkdir(parents=True, exist_ok=True)
    _mkdocs(root, fresh, from_disk=from_disk)
    if problems := dead_links(fresh):
        raise ContentError(problems)
    stamp(fresh, root)
    shutil.rmtree(target, ignore_errors=True)
    fresh.replace(target)


def build_if_changed(root: Path, target: Path) -> bool:
    """Build into `target` unless it was built from exactly what is there now; return whether it was built.

    Of several processes that ask at the same time, one builds, and the others wait for its result.
    """
    stamp = target.with_name(f"{target.name}.sha256")
    target.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(target.with_name(f"{target.name}.lock")):
        wanted = fingerprint(root)
        if target.is_dir() and stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
            return False
        build(root, target)
        stamp.write_text(wanted, encoding="utf-8")
        return True


def fingerprint(root: Path) -> str:
    """Return a hash of all that the site is made from."""
    digest = hashlib.sha256()
    places = [(root, pattern) for pattern in _INPUTS]
    # The engine of a journal in another folder is not below that folder.
    places += [(folder, "**/*") for folder in _ENGINE if not folder.is_relative_to(root)]
    for folder, pattern in places:
        for path in sorted(folder.glob(pattern)):
            if path.is_file() and not _SKIPPED & set(path.relative_to(folder).parts):
                content = path.read_bytes()
                digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
                digest.update(content)
    for slug, stub in stubs(root).items():
        digest.update(f"{slug}\0{stub}\0".encode())
    return digest.hexdigest()


def _mkdocs(root: Path, folder: Path, *, from_disk: bool) -> None:
    # Not --quiet: it hides warnings from --strict as well.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    if from_disk:
        command.append("--no-directory-urls")
    # Both packages announce the end of MkDocs 1 at every build; neither can be told so in mkdocs.yml.
    quiet = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true", "REDRIVE_CHECKED": "1"}
    done = subprocess.run(
        command, cwd=root, env={**os.environ, **quiet}, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).splitlines()
        said = "\n".join(line for line in lines if line.strip() and not line.startswith(("INFO", "DEBUG")))
        raise BuildError(f"the site was not built; MkDocs says:\n{said}")
