"""Processes that a fault run starts, kills and suspends: each is ended by its own process id, whatever happens."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
START_LIMIT_S = 60.0


class Process:
    """One `jobqueue` process with its settings, its log, and ways to hurt it."""

    def __init__(self, folder, *command, **environ):
        self.log_path = folder / f"process-{time.monotonic_ns()}.log"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("JOBQUEUE_")}
        settings = {"PYTHONPATH": str(ROOT), "JOBQUEUE_METRICS_LISTEN": "", "JOBQUEUE_DONE_MAX": "10000000"}
        with self.log_path.open("wb") as log:
            self.popen = subprocess.Popen(
                [str(Path(sys.executable).with_name("jobqueue")), *command],
                env={**inherited, **settings, **environ},
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=folder,
            )

    def lines(self):
        """Return what it has logged, a dictionary a line."""
        return [json.loads(line) for line in self.log_path.read_bytes().splitlines() if line.startswith(b"{")]

    def logged(self, event):
        """Wait for an event in its log, and return that line."""
        give_up_at = time.monotonic() + START_LIMIT_S
        while True:
            for line in self.lines():
                if line["event"] == event:
                    return line
            assert self.popen.poll() is None, f"the process ended: {self.log_path.read_text()[-2000:]}"
            assert time.monotonic() < give_up_at, f"never logged {event!r}: {self.lines()[-3:]}"
            time.sleep(0.02)

    def metric(self, name):
        """Return the sum of a metric's series, from the process's own page."""
        with urllib.request.urlopen(f"http://{self.logged('probe')['address']}/metrics", timeout=10) as page:
            lines = page.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name}{{", f"{name} ")))

    def rss_mb(self):
        """Return how much memory it has resident, in 10**6 bytes."""
        return int(Path(f"/proc/{self.popen.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def kill(self):
        """End it at once, as `kill -9` does."""
        self.popen.kill()
        self.popen.wait()

    def suspend(self):
        self.popen.send_signal(signal.SIGSTOP)

    def resume(self):
        self.popen.send_signal(signal.SIGCONT)

    def drain(self, limit_s=60):
        """Ask it to end, and return its exit status."""
        self.popen.terminate()
        return self.popen.wait(limit_s)


class Processes:
    """Starts processes in a folder, and kills at the end what still runs."""

    def __init__(self, folder):
        self.folder = folder
        self.started = []

    def worker(self, url, **environ):
        """Start a worker of the fault runs' handlers on a store."""
        settings = {"JOBQUEUE_REDIS_URL": url, "JOBQUEUE_HANDLERS": "tests.jobqueue.faults.handlers"}
        return self.start("worker", **{"FAULTS_URL": url, **settings, **environ})

    def start(self, *command, **environ):
        process = Process(self.folder, *command, **environ)
        self.started.append(process)
        return process

    def end(self):
        for process in self.started:
            if process.popen.poll() is None:
                process.kill()
