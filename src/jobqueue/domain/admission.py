"""When a retry may run: when the recent successes of its job type can pay for it.

A delay spreads retries over time, but it doesn't bound them. In an outage every job fails, and after a while several
times as many retries are due each second as new jobs come in. So a retry whose delay is over still waits until it can
be paid for. There is an allowance for each queue and job type, from three sources:

- *Earnings.* Each success pays for `ratio` of a retry.
- *Probes.* When nothing has been admitted for `probe_every_s` seconds, one retry runs unpaid, so that a recovery is
  noticed even when no new job comes.
- *Catching up.* While fewer than `REFUSED` of recent attempts fail, the retries a second grow with every success; when
  more fail, they shrink. This is the additive increase and multiplicative decrease of TCP's congestion control
  (Chiu and Jain, 1989). It drains the backlog of an outage as fast as the dependency can take it.

If f is the share of attempts that fail, earnings allow at most ratio * (1 - f) retries per attempt. They are used up
when f = ratio / (1 + ratio). So a dependency never sees more than 1 + ratio times the load of first attempts, plus the
probes and what was saved, however long the outage lasts.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from jobqueue.domain import defaults

REFUSED = 0.03
"""Share of recent attempts that may fail while catching up goes faster."""

RECENT_ATTEMPTS = 20
RECENT_S = 2.0
"""Recent are the last 20 attempts, or those of the last two seconds where these are more."""

FORGET_OVER_S = 30.0
"""Failures are forgotten with time, too: a type whose jobs stopped coming must not stay suspect for ever."""

PACE_OVER_S = 5.0
"""Seconds over which the pace of successes is smoothed."""

SAVED = 3.0
"""Retries that may be saved up, and that a type begins with; a second's income where that is more."""

GROWTH = 0.05
"""Retries a second that each success adds to catching up: it grows by a factor of e in twenty seconds."""

CUT = 0.5
"""Share of catching up that one failure among 20 recent attempts costs."""


class Attempts(NamedTuple):
    """How many attempts of a type have succeeded, and how many have failed and become retries, since counting began."""

    succeeded: int
    failed: int


class Allowance(NamedTuple):
    """What pays for the retries of one type, as it was after the last admission.

    Attributes:
        at: Instant of the last admission.
        counted: The attempts that were counted by then.
        saved: Retries that earnings and catching up pay for.
        pace: Successes a second, smoothed over `PACE_OVER_S`.
        refused: Share of the recent attempts that failed.
        catch_up: Retries a second beyond the earnings; at most twice the pace.
    """

    at: float
    counted: Attempts
    saved: float = SAVED
    pace: float = 0.0
    refused: float = 0.0
    catch_up: float = 0.0


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """How retries are paid for.

    Attributes:
        ratio: Retries that one success pays for; at least 0.
        probe_every_s: Seconds without an admission after which one retry runs unpaid; above 0.
    """

    ratio: float = defaults.BUDGET_RATIO
    probe_every_s: float = defaults.PROBE_EVERY_S

    def __post_init__(self) -> None:
        """Refuse numbers out of bounds."""
        if not 0 <= self.ratio < math.inf:
            raise ValueError(f"ratio must be at least 0, got {self.ratio}; 0.2 allows one retry for five successes")
        if not 0 < self.probe_every_s < math.inf:
            raise ValueError(f"probe_every_s must be above 0 and finite, got {self.probe_every_s}")

    def admit(self, last: Allowance | None, counted: Attempts, due: int, *, now: float) -> tuple[int, Allowance]:
        """Return how many of the due retries may run now, and the allowance after they have been paid for.

        Args:
            last: As of the last admission; None before the first one. Keep what is returned only when it admits: time
                and attempts go on counting from the last admission.
            counted: The attempts up to now.
            due: How many retries wait with their delay over.
            now: The present instant.
        """
        current = Allowance(now, counted) if last is None else self._after(last, counted, now)
        admitted = min(due, math.floor(current.saved))
        paid = admitted
        if due and not admitted and last is not None and now - last.at >= self.probe_every_s:
            admitted = 1
        return admitted, current._replace(saved=current.saved - paid)

    def _after(self, last: Allowance, counted: Attempts, now: float) -> Allowance:
        """Return the allowance with the time and the attempts since the last admission, before anything is paid."""
        elapsed_s = max(0.0, now - last.at)
        succeeded = max(0, counted.succeeded - last.counted.succeeded)
        failed = max(0, counted.failed - last.counted.failed)
        pace = last.pace
        if elapsed_s > 0:
            pace += (succeeded / elapsed_s - pace) * (1 - math.exp(-elapsed_s / PACE_OVER_S))
        refused = last.refused * math.exp(-elapsed_s / FORGET_OVER_S)
        recent = max(RECENT_ATTEMPTS, RECENT_S * pace)
        if attempts := succeeded + failed:
            refused += (failed / attempts - refused) * (1 - (1 - 1 / recent) ** attempts)
        catch_up = last.catch_up * (1 - CUT) ** (failed * RECENT_ATTEMPTS / recent)
        if refused < REFUSED:
            catch_up += GROWTH * succeeded
        catch_up = min(catch_up, 2 * pace)
        saved = last.saved + self.ratio * succeeded + catch_up * elapsed_s
        saved = min(saved, max(SAVED, self.ratio * pace + catch_up))
        return Allowance(max(now, last.at), counted, saved, pace, refused, catch_up)
