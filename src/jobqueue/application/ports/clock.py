"""The port for time: instants for records, and waiting."""

from typing import Protocol


# --8<-- [start:clock]
class Clock(Protocol):
    """Tells the time and waits. Tests pass a clock that they advance themselves."""

    def now(self) -> float:
        """Return seconds since the Unix epoch, on which the fleet's machines agree roughly."""
        ...

    def ticks(self) -> float:
        """Return seconds since an arbitrary start, never going back: for durations."""
        ...

    async def sleep(self, delay_s: float) -> None:
        """Wait that many seconds."""
        ...


# --8<-- [end:clock]
