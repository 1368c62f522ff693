"""The load test: the same work for the job service and its peers, interleaved, in one run.

    python -m tests.bench                     five rounds of everything, about ten minutes
    python -m tests.bench --rounds 1 --only drain

Each peer has an environment of its own under build/bench. Each measurement starts a Valkey without an append-only
file. What other programs took of the machine meanwhile is recorded beside it. Results go to build/bench/results.json
and, with --publish, into docs/reference/load-test.md.
"""

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jobqueue.adapters.embedded_valkey import EmbeddedValkey
from tests.bench.page import publish
from tests.bench.tally import Tally

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "bench"
PEERS_DIR = Path(__file__).parent / "peers"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Peer:
    """Who is measured, with the best setting that is known for it."""

    name: str
    packages: tuple[str, ...]
    drain_concurrency: int
    drain_jobs: int
    ways: tuple[str, ...]

    @property
    def python(self) -> Path:
        """The interpreter of the peer's environment."""
        return Path(sys.executable) if not self.packages else BUILD / self.name / "bin" / "python"

    @property
    def script(self) -> Path:
        """The peer's program."""
        return PEERS_DIR / f"{self.name}_peer.py"


PEERS = (
    Peer("jobqueue", (), 100, 200_000, ("one", "hundred", "bulk")),
    Peer("huey", ("huey==3.5.4", "redis==8.1.0", "hiredis==3.5.0"), 1, 15_000, ("one",)),
    Peer(
        "taskiq",
        ("taskiq==0.13.0", "taskiq-redis==1.2.4", "hiredis==3.5.0", "uvloop==0.23.0"),
        10,
        15_000,
        ("one", "hundred"),
    ),
    Peer("arq", ("arq==0.28.0", "hiredis==3.5.0", "uvloop==0.23.0"), 10, 8_000, ("one", "hundred")),
)
SUBMITS = {"one": 5_000, "hundred": 20_000, "bulk": 100_000}
"""Jobs a submit measurement; ours takes ten times as many from 100 callers and in bulk, to last long enough."""
BACKLOGS = (10_000, 1_000_000)


def prepare(peer: Peer) -> None:
    """Make the peer's environment, once."""
    if peer.packages and not peer.python.exists():
        print(f"installing {peer.name} …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", BUILD / peer.name], check=True)
        subprocess.run([peer.python, "-m", "pip", "install", "-q", *peer.packages], check=True)


def cpu_s(pid: int) -> float:
    """CPU seconds of a process and of its ended children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(value) for value in fields[11:15]) / TICKS


def machine_busy_s() -> float:
    """CPU seconds that all processes of the machine have used."""
    user, nice, system, _, _, irq, softirq, *_ = (int(value) for value in Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq) / TICKS


class Bench:
    """One server, one tally, one peer: what a measurement has at hand."""

    def __init__(self, peer: Peer, valkey: EmbeddedValkey, folder: Path) -> None:
        self.peer = peer
        self.valkey = valkey
        self.tally_path = folder / "tally"
        self.tally = Tally(self.tally_path)

    def command(self, act: str, *args: str) -> list[str]:
        """The peer's command line."""
        script = [str(self.peer.python), str(self.peer.script), act, *args]
        return [*script, "--url", self.valkey.url, "--tally", str(self.tally_path)]

    def run(self, act: str, *args: str) -> dict[str, float]:
        """Run one act to its end and return what it reported."""
        done = subprocess.run(self.command(act, *args), check=True, capture_output=True, text=True, timeout=300)
        return json.loads(done.stdout) if done.stdout.strip() else {}

    @contextmanager
    def worker(self, concurrency: int) -> Iterator[subprocess.Popen[bytes]]:
        """Run a worker for the length of a block, in a process group of its own, ended as a whole."""
        command = self.command("worker", "--concurrency", str(concurrency))
        process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    @contextmanager
    def front(self) -> Iterator[str]:
        """Run the gRPC front in a process of its own for the length of a block; yield its address."""
        socket = self.tally_path.with_name("front.sock")
        command = [
            str(Path(sys.executable).with_name("jobqueue")),
            "serve",
            "--no-worker",
            "--listen",
            f"unix:{socket}",
        ]
        settings = {"JOBQUEUE_REDIS_URL": self.valkey.url, "JOBQUEUE_LOG_LEVEL": "error", "JOBQUEUE_METRICS_LISTEN": ""}
        process = subprocess.Popen(command, env=os.environ | settings)
        try:
            give_up_at = time.monotonic() + 30
            while not socket.exists():
                if process.poll() is not None or time.monotonic() > give_up_at:
                    raise TimeoutError(f"the front does not listen on {socket}; exit status {process.poll()}")
                time.sleep(0.02)
            yield f"unix:{socket}"
        finally:
            process.terminate()
            process.wait(30)

    def wait_for(self, jobs: int, limit_s: float = 120) -> None:
        """Wait until so many jobs have ended."""
        give_up_at = time.monotonic() + limit_s
        while self.tally.read()[0] < jobs:
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"{self.peer.name} ended {self.tally.read()[0]} of {jobs} jobs in {limit_s} s")
            time.sleep(0.02)


@contextmanager
def bench(peer: Peer) -> Iterator[Bench]:
    """Yield a fresh server for a peer."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder) / "v", append_only=False) as valkey:
        yield Bench(peer, valkey, Path(folder))


def drained(peer: Peer, kind: str, concurrency: int, jobs: int) -> dict[str, float]:
    """Fill a queue, start one worker, and measure from the first start to the last end."""
    with bench(peer) as at:
        at.run("enqueue", "--kind", kind, "--n", str(jobs), "--way", peer.ways[-1])
        server_before, busy_before = cpu_s(at.valkey.pid or 0), machine_busy_s()
        with at.worker(concurrency) as worker:
            at.wait_for(jobs)
            worker_s, server_s = cpu_s(worker.pid), cpu_s(at.valkey.pid or 0) - server_before
            other_s = machine_busy_s() - busy_before - worker_s - server_s
            rss_mb = int(Path(f"/proc/{worker.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        ended, wall_s = at.tally.read()
    return {
        "jobs_per_s": ended / wall_s,
        "worker_cpu_s_per_10k": worker_s / jobs * 10_000,
        "redis_cpu_s_per_10k": server_s / jobs * 10_000,
        "rss_mb": rss_mb,
        "other_load": max(0.0, other_s) / wall_s / (os.cpu_count() or 1),
    }


def drain(peer: Peer) -> dict[str, float]:
    """Jobs that do nothing."""
    return drained(peer, "noop", peer.drain_concurrency, peer.drain_jobs)


def waiting(peer: Peer) -> dict[str, float]:
    """Jobs of 5 ms, 100 at once: the ceiling is 20,000 a second."""
    return drained(peer, "sleep5", 100, 60_000 if peer.name == "jobqueue" else 8_000)


def latency(peer: Peer) -> dict[str, float]:
    """Start latency at 100 jobs a second for ten seconds, after one second that does not count."""
    with bench(peer) as at, at.worker(max(10, peer.drain_concurrency)):
        at.run("pace", "--n", "100")
        at.wait_for(100)
        at.run("pace", "--n", "1000")
        at.wait_for(1100)
        samples = sorted(at.tally.latencies_ms()[100:1100])
    return {"p50_ms": samples[len(samples) // 2], "p99_ms": samples[int(len(samples) * 0.99)]}


def submit(peer: Peer) -> dict[str, float]:
    """Submits straight to the server: one at a time, from 100 callers, in bulk."""
    result = {}
    for way in peer.ways:
        jobs = SUBMITS[way] * (10 if way != "one" and peer.name == "jobqueue" else 1)
        with bench(peer) as at:
            result[f"{way}_per_s"] = at.run("enqueue", "--way", way, "--n", str(jobs))["jobs_per_s"]
    return result


def front(peer: Peer) -> dict[str, float]:
    """Submits in batches through the gRPC front, stored before each answer, against bulk submits to the server."""
    jobs = SUBMITS["bulk"] * 5
    with bench(peer) as at:
        bulk = at.run("enqueue", "--way", "bulk", "--n", str(jobs))["jobs_per_s"]
    with bench(peer) as at, at.front() as address:
        at.run("enqueue", "--way", "front", "--front", address, "--n", "10000")  # a first call costs more than a later
        through = at.run("enqueue", "--way", "front", "--front", address, "--n", str(jobs))["jobs_per_s"]
    return {"bulk_per_s": bulk, "front_per_s": through, "front_ratio": through / bulk}


def backlog(peer: Peer) -> dict[str, float]:
    """Jobs that do nothing with a million of them waiting, against ten thousand: depth must not cost pace."""
    few, many = (drained(peer, "noop", peer.drain_concurrency, jobs)["jobs_per_s"] for jobs in BACKLOGS)
    return {"few_per_s": few, "many_per_s": many, "backlog_ratio": many / few}


MEASUREMENTS = {
    "drain": drain,
    "waiting": waiting,
    "latency": latency,
    "submit": submit,
    "front": front,
    "backlog": backlog,
}
OURS_ALONE = {"front", "backlog"}
"""Measured for the job service only: these compare it with itself."""


def summary(rounds: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Median, least and greatest of each figure."""
    figures = {name: [one[name] for one in rounds] for name in rounds[0]}
    return {
        name: {"median": statistics.median(values), "min": min(values), "max": max(values)}
        for name, values in figures.items()
    }


def main() -> None:
    """Measure, print as it goes, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=MEASUREMENTS, action="append")
    parser.add_argument("--publish", action="store_true", help="write docs/reference/load-test.md")
    args = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    wanted = args.only or list(MEASUREMENTS)
    for peer in PEERS if set(wanted) - OURS_ALONE else PEERS[:1]:
        prepare(peer)
    results: dict[str, dict[str, list[dict[str, float]]]] = {}
    for name in wanted:
        for number in range(args.rounds):
            for peer in PEERS[:1] if name in OURS_ALONE else PEERS:
                figures = MEASUREMENTS[name](peer)
                results.setdefault(name, {}).setdefault(peer.name, []).append(figures)
                shown = "  ".join(f"{key} {value:,.2f}" for key, value in figures.items())
                print(f"{name:8} round {number + 1}  {peer.name:9} {shown}", flush=True)
    report = {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "machine": {"cpus": os.cpu_count(), "architecture": platform.machine(), "python": platform.python_version()},
        "versions": {peer.name: list(peer.packages) for peer in PEERS},
        "rounds": args.rounds,
        "results": {
            name: {peer: summary(rounds) for peer, rounds in by_peer.items()} for name, by_peer in results.items()
        },
    }
    (BUILD / "results.json").write_text(json.dumps(report, indent=1) + "\n")
    if args.publish:
        publish(report, ROOT / "docs" / "reference" / "load-test.md")


if __name__ == "__main__":
    main()
