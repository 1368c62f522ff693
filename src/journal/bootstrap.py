"""Make the virtual environment `.venv`, or leave it alone if it is up to date.

This runs before anything is installed, on any Python 3 that `make` finds. So it imports only the standard library, and
uses only syntax that an old Python can read, so that it can say that the Python is too old.
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV = os.path.join(ROOT, ".venv")
BIN = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
STAMP = os.path.join(VENV, "redrive-stamp")
LOG = os.path.join(VENV, "setup.log")
OLDEST = (3, 11)
# What another environment is made for: the packages, and how this file installs them.
PACKAGES = ("requirements.txt", os.path.join("src", "journal", "bootstrap.py"))
# What only installs the project again, in a second: its metadata, and the version, which an installation remembers.
PROJECT = ("pyproject.toml", os.path.join("src", "jobqueue", "__init__.py"))


def fail(*lines):
    sys.stderr.write("\n".join(("setup: " + lines[0],) + lines[1:]) + "\n")
    sys.exit(1)


def find_python():
    """The running Python, or the newest suitable one on the PATH."""
    if sys.version_info[:2] >= OLDEST:
        return sys.executable
    for minor in (14, 13, 12, 11):
        found = shutil.which("python3.%d" % minor)
        if found and subprocess.call([found, "-c", "import venv"], stderr=subprocess.DEVNULL) == 0:
            return found
    fail(
        "Python 3.11 or newer is needed, and %s is Python %d.%d." % ((sys.executable,) + tuple(sys.version_info[:2])),
        "  Install one, then name it: make PYTHON=/path/to/python3.11 setup",
    )


def digest_of(names):
    digest = hashlib.sha256()
    for name in names:
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    digest.update(ROOT.encode())  # an environment holds absolute paths: a moved folder needs a new one
    return digest.hexdigest()


def wanted_stamp(python):
    """What `.venv` was made from: one line for its packages, one for the project."""
    return digest_of(PACKAGES) + "\n" + digest_of(PROJECT) + "\n"


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def run(*command):
    with open(LOG, "a") as log:
        log.write("$ " + " ".join(command) + "\n")
        log.flush()
        return subprocess.call(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)


def explain(step):
    text = read(LOG)
    offline = (
        "Failed to establish a new connection",
        "Temporary failure in name resolution",
        "Network is unreachable",
        "Could not resolve",
        "getaddrinfo",
        "ConnectTimeoutError",
        "ProxyError",
        "NewConnectionError",
        "NameResolutionError",
        "Read timed out",
    )
    if any(mark in text for mark in offline):
        fail(
            "%s failed: the Python package index could not be reached." % step,
            "  The first set-up needs it once; after that nothing here uses the network.",
            "  Connect (or point pip at a mirror, see `pip config`), then run the same command again. Log: " + LOG,
        )
    if "No space left on device" in text:
        fail("%s failed: the disk is full; about 1.2 GB is needed. Log: %s" % (step, LOG))
    tail = "\n".join("  | " + line for line in text.strip().splitlines()[-8:])
    fail("%s failed. The last lines of %s:" % (step, LOG), tail)


def main():
    python = find_python()
    stamp = wanted_stamp(python)
    kept = read(STAMP)
    if kept == stamp and os.path.exists(os.path.join(BIN, "python")):
        return
    pip = [
        os.path.join(BIN, "python"),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--quiet",
        "--retries",
        "2",
    ]
    if kept.split("\n")[0] != stamp.split("\n")[0] or not os.path.exists(os.path.join(BIN, "python")):
        make_environment(python, pip)
    if run(*pip, "--no-deps", "--no-build-isolation", "-e", ".") != 0:
        explain("installing the project itself")
    with open(STAMP, "w") as file:
        file.write(stamp)
    print("setup: done")


def make_environment(python, pip):
    print("setup: making .venv (once, about a minute)")
    sys.stdout.flush()
    if os.path.exists(STAMP):
        os.remove(STAMP)
    if not os.path.isdir(VENV):
        os.makedirs(VENV)
    open(LOG, "w").close()
    if run(python, "-m", "venv", "--clear", VENV) != 0:
        os.makedirs(VENV, exist_ok=True)
        fail(
            "%s cannot make a virtual environment." % python,
            "  On Debian and Ubuntu: apt install python3-venv. Elsewhere: install Python with its venv module.",
        )
    if run(*pip, "--require-hashes", "-r", "requirements.txt") != 0:
        explain("installing the packages of requirements.txt")


if __name__ == "__main__":
    main()
