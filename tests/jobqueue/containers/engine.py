"""A container engine, with whatever options make it work on this machine, and a storage folder of its own."""

import itertools
import json
import shutil
import subprocess
import time
from pathlib import Path

RUNTIMES = ((), ("--runtime", "runc", "--cgroup-manager", "cgroupfs"))
"""Podman's own choice first, then what hybrid cgroups need."""

DRIVERS = ("overlay", "vfs")
"""Layers as mounts where the kernel allows it; else as copies, which take minutes."""

LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
BUILD_LIMIT_S = 600
CALL_LIMIT_S = 120


class EngineUnavailableError(Exception):
    """No container can be run here; the text says why."""


class Engine:
    """Podman with a storage folder of its own, so that nothing on the machine is touched.

    Args:
        folder: Where images and containers are kept; removed by `close`.
        base: Tar file of a root file system; the image `localhost/base` is made from it.

    Raises:
        EngineUnavailableError: Podman is not installed, or it can't run a container.
    """

    def __init__(self, folder, base):
        if shutil.which("podman") is None:
            raise EngineUnavailableError("podman is not installed")
        self._folder = Path(folder)
        self._started = []
        reasons = []
        for driver, runtime in itertools.product(DRIVERS, RUNTIMES):
            storage = ("--root", self._folder / driver, "--runroot", self._folder / "run" / driver)
            self._podman = ["podman", *storage, "--storage-driver", driver, *runtime]
            done = self._call("import", base, "localhost/base", check=False)
            if done.returncode == 0:
                done = self._call(*self._run_options("--rm"), "localhost/base", "python3", "-c", "", check=False)
            if done.returncode == 0:
                return
            reasons.append(done.stderr.strip().splitlines()[-1])
        raise EngineUnavailableError(f"podman can't run a container: {reasons[-1]}")

    def build(self, context, containerfile, tag, **arguments):
        """Build an image; none may be pulled."""
        given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        # Isolation by chroot works where a container can't be started within a container.
        options = ("--isolation", "chroot", "--pull-never", *given, "-f", containerfile, "-t", tag)
        self._call("build", *options, context, limit_s=BUILD_LIMIT_S)

    def run(self, name, image, *command, environ, volumes=(), entrypoint=""):
        """Start a container on the machine's loopback, with a read-only root, as the user of the image."""
        settings = [word for key, value in environ.items() for word in ("--env", f"{key}={value}")]
        mounts = [word for volume in volumes for word in ("--volume", volume)]
        replaced = ("--entrypoint", entrypoint) if entrypoint else ()
        options = self._run_options("--detach", "--name", name, "--read-only", *settings, *mounts, *replaced)
        self._started.append(name)
        self._call(*options, image, *command)

    def kill(self, name):
        """End a container's process at once, as `kill -9` does."""
        self._call("kill", "--signal", "KILL", name)

    def stop(self, name, grace_s):
        """Ask a container to end with SIGTERM; return its exit status and how many seconds it took."""
        begun = time.monotonic()
        self._call("stop", "--time", str(grace_s), name)
        return self.exit_status(name), time.monotonic() - begun

    def exit_status(self, name):
        """Return the exit status of a container that has ended."""
        return json.loads(self._call("inspect", name).stdout)[0]["State"]["ExitCode"]

    def logs(self, name):
        """Return what a container has written so far, standard error included."""
        done = self._call("logs", name)
        return done.stdout + done.stderr

    def close(self):
        """End and remove every container, and remove the storage folder."""
        if self._started:
            self._call("rm", "--force", "--time", "0", *self._started, check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run_options(self, *options):
        return ["run", "--network", "host", *LIMITS, *options]

    def _call(self, *words, check=True, limit_s=CALL_LIMIT_S):
        done = subprocess.run(
            [str(word) for word in (*self._podman, *words)],
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(
                f"podman {words[0]} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}"
            )
        return done
