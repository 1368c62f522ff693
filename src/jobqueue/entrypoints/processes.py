"""What the command line needs from the composition root, the only module that may join adapters to the rest."""

from pathlib import Path
from typing import Protocol

from jobqueue.config import Settings


class Processes(Protocol):
    """Builds processes from settings and runs them until they are told to stop."""

    async def serve(self, settings: Settings, *, front: bool, worker: bool) -> None:
        """Run a process with a gRPC front, a worker, or both."""
        ...

    async def backup(self, settings: Settings, target: Path) -> int:
        """Write a snapshot of the store to a file, and return its size in bytes."""
        ...

    async def bench(self, settings: Settings, jobs: int) -> dict[str, float]:
        """Submit and drain jobs that do nothing; return jobs a second for each."""
        ...
