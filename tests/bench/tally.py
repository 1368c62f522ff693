"""A counter of finished jobs in a memory-mapped file, shared by a worker and the process that measures it.

It is imported by peers inside their own environments, so it knows the standard library only. One writer a file: the end
of a job costs one addition and one store, below a microsecond.
"""

import mmap
import struct
import time
from pathlib import Path

_HEAD = struct.Struct("<qqq")  # jobs ended, first start (ns), last end (ns)
_SAMPLE = struct.Struct("<q")
SAMPLES = 20_000


class Tally:
    """Counts job ends, and keeps start latencies (ns) for as many as `SAMPLES` jobs."""

    def __init__(self, path: str | Path) -> None:
        size = _HEAD.size + SAMPLES * _SAMPLE.size
        path = Path(path)
        if not path.exists() or path.stat().st_size != size:
            path.write_bytes(b"\0" * size)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), size)
        self._ended = 0
        self._first = 0

    def start(self, submitted_ns: int = 0) -> None:
        """Note a job's start; with `submitted_ns` (wall clock) also how long it waited."""
        if not self._first:
            self._first = time.perf_counter_ns()
        if submitted_ns and self._ended < SAMPLES:
            offset = _HEAD.size + self._ended * _SAMPLE.size
            _SAMPLE.pack_into(self._map, offset, time.time_ns() - submitted_ns)

    def end(self) -> None:
        """Note a job's end."""
        self._ended += 1
        _HEAD.pack_into(self._map, 0, self._ended, self._first, time.perf_counter_ns())

    def read(self) -> tuple[int, float]:
        """Return how many jobs have ended, and the seconds from the first start to the last end."""
        ended, first, last = _HEAD.unpack_from(self._map, 0)
        return ended, (last - first) / 1e9

    def latencies_ms(self) -> list[float]:
        """Return the start latencies that were kept, in milliseconds, in order of start."""
        raw = (
            _SAMPLE.unpack_from(self._map, _HEAD.size + i * _SAMPLE.size)[0]
            for i in range(min(self.read()[0], SAMPLES))
        )
        return [ns / 1e6 for ns in raw]
