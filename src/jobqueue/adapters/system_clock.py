"""The clock of the machine."""

import asyncio
import time


class SystemClock:
    """Reads the machine's clocks and waits in real time."""

    def now(self) -> float:
        """Return seconds since the Unix epoch."""
        return time.time()

    def ticks(self) -> float:
        """Return seconds of the monotonic clock."""
        return time.perf_counter()

    async def sleep(self, delay_s: float) -> None:
        """Wait that many seconds."""
        await asyncio.sleep(delay_s)
