"""Whether and when a failed attempt is retried: the ceiling, the jitter, the kinds of error, the policy.

The exercise `backoff` asks learners for the first three, too, and its tests also grade this module. `admission` bounds
how many retries run in all.
"""

import math
import random
from dataclasses import dataclass

from jobqueue.domain import defaults
from jobqueue.domain.errors import PermanentError, TransientError


# --8<-- [start:ceiling]
def ceiling_s(attempt: int, base_s: float, cap_s: float) -> float:
    """Return the largest delay after a failed attempt, in seconds: min(cap_s, base_s * 2 ** (attempt - 1)).

    Exponents are compared before anything is multiplied, so an attempt of 10**9 neither overflows nor takes time.

    Args:
        attempt: The attempt that failed, from 1.
        base_s: Ceiling after the first attempt; above 0.
        cap_s: Largest ceiling; at least base_s.

    Raises:
        ValueError: An argument is out of bounds.
    """
    if attempt < 1:
        raise ValueError(f"attempt must be at least 1, got {attempt}; the first attempt is number 1")
    if not 0 < base_s < math.inf:
        raise ValueError(f"base_s must be above 0 and finite, got {base_s}; 0.5 is a usual base")
    if not base_s <= cap_s < math.inf:
        raise ValueError(f"cap_s must be finite and at least base_s = {base_s}, got {cap_s}")
    doublings = attempt - 1
    if doublings > math.frexp(cap_s)[1] - math.frexp(base_s)[1]:
        return cap_s
    return min(cap_s, math.ldexp(base_s, doublings))


# --8<-- [end:ceiling]


# --8<-- [start:full-jitter]
def full_jitter_s(attempt: int, base_s: float, cap_s: float, rng: random.Random) -> float:
    """Draw the delay after a failed attempt uniformly from [0, ceiling], in seconds.

    Full jitter, from "Exponential Backoff And Jitter" (Marc Brooker, AWS Architecture Blog, 2015): the callers that
    failed together come back spread over the whole interval, not together again.

    Raises:
        ValueError: As `ceiling_s`.
    """
    return rng.uniform(0.0, ceiling_s(attempt, base_s, cap_s))


# --8<-- [end:full-jitter]


# --8<-- [start:classify]
TRANSIENT: tuple[type[BaseException], ...] = (TransientError, ConnectionError, TimeoutError)
PERMANENT: tuple[type[BaseException], ...] = (PermanentError,)


def is_transient(
    error: BaseException,
    *,
    transient: tuple[type[BaseException], ...] = TRANSIENT,
    permanent: tuple[type[BaseException], ...] = PERMANENT,
) -> bool:
    """Say whether another attempt may succeed.

    The nearest classified error of the chain decides: the error itself, else what it was raised from (`__cause__`),
    else what was being handled (`__context__`, unless suppressed). A group is transient when all its members are.
    If a chain returns to an error that it has visited, it ends there.
    An error that no rule classifies is permanent: retrying a bug costs every worker, burying it costs one look.
    """

    def walk(node: BaseException | None, passed: frozenset[int]) -> bool:
        while node is not None and id(node) not in passed:
            passed |= {id(node)}
            if isinstance(node, BaseExceptionGroup):
                return all(walk(member, passed) for member in node.exceptions)
            if isinstance(node, permanent):
                return False
            if isinstance(node, transient):
                return True
            behind = None if node.__suppress_context__ else node.__context__
            # Not `or`: an error may be false, one with a length of 0 for instance.
            node = node.__cause__ if node.__cause__ is not None else behind
        return False

    return walk(error, frozenset())


# --8<-- [end:classify]


# --8<-- [start:policy]
@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how fast a job type is retried.

    Attributes:
        max_attempts: Attempts that must fail before a job is dead; at least 1, which means no retry.
        base_s: As in `ceiling_s`.
        cap_s: As in `ceiling_s`.
        survive_s: Length of an outage that a job must survive, in seconds: errors bury it only when the first of them
            is at least that old. With 0, only the number of attempts counts.
    """

    max_attempts: int = defaults.MAX_ATTEMPTS
    base_s: float = defaults.BASE_S
    cap_s: float = defaults.CAP_S
    survive_s: float = defaults.SURVIVE_S

    def __post_init__(self) -> None:
        """Check the bounds now, when the policy is written, and not when the first job fails."""
        if self.max_attempts < 1:
            raise ValueError(f'max_attempts must be at least 1, got {self.max_attempts}; use 1 for "never again"')
        if not 0 <= self.survive_s < math.inf:
            raise ValueError(f"survive_s must be at least 0 and finite, got {self.survive_s}")
        ceiling_s(1, self.base_s, self.cap_s)

    def delay_s(self, attempt: int, rng: random.Random) -> float:
        """Draw the delay after failed attempt number `attempt`, in seconds."""
        return full_jitter_s(attempt, self.base_s, self.cap_s, rng)


# --8<-- [end:policy]
