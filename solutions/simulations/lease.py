"""A lease, its heartbeats and a worker that stands still: who holds the job, and what becomes of the late answer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """From when to when, in seconds after the claim."""

    from_s: float
    to_s: float


@dataclass(frozen=True)
class Leased:
    """What became of one job.

    Attributes:
        first: when the first worker ran the job; it stands still in between.
        lapsed_s: when the lease ran out while the first worker still had the job; None if it never did.
        second: when the second worker ran the job; None if there was no need.
        beats_s: when a heartbeat renewed the lease.
        refused: whether the first worker's acknowledgement came with an old token.
        held: when a lease was valid, one span for each claim.
    """

    first: tuple[Span, Span]
    lapsed_s: float | None
    second: Span | None
    beats_s: tuple[float, ...]
    refused: bool
    held: tuple[Span, ...]


def leased(
    *, lease_s: float, pause_s: float, beat_s: float | None, job_s: float = 30.0, pause_at_s: float = 12.0
) -> Leased:
    """Let a worker claim a job, stand still for a while in the middle of it, and acknowledge it in the end.

    While it stands still it sends no heartbeat. A lease that lapses gives the job to a second worker at that instant,
    which does not stand still; the first one's answer then carries a token that is no longer valid.

    Args:
        lease_s: how long a claim or a heartbeat is good for.
        pause_s: how long the first worker stands still.
        beat_s: seconds between heartbeats; None sends none.
        job_s: how long the job takes a worker that doesn't stand still.
        pause_at_s: when the first worker stops, after its claim; before the job is done.
    """
    wakes_s = pause_at_s + pause_s
    ends_s = job_s + pause_s
    first = (Span(0, pause_at_s), Span(wakes_s, ends_s))
    beats: list[float] = []
    valid_until_s = lease_s
    at_s = beat_s
    while beat_s is not None and at_s is not None and at_s < ends_s:
        # A beat that was due in the pause goes out when the worker wakes.
        sent_s = wakes_s if pause_at_s <= at_s < wakes_s else at_s
        if sent_s > valid_until_s:
            break
        if not beats or sent_s > beats[-1]:
            beats.append(sent_s)
            valid_until_s = sent_s + lease_s
        at_s += beat_s
    if valid_until_s >= ends_s:
        return Leased(first, None, None, tuple(beats), refused=False, held=(Span(0, ends_s),))
    second = Span(valid_until_s, valid_until_s + job_s)
    held = (Span(0, valid_until_s), second)
    return Leased(first, valid_until_s, second, tuple(beats), refused=True, held=held)
