"""Every move of a job between its states. The lifecycle page, its drawing and the tests are made from this table.

`jobqueue moves` prints them.
"""

from typing import NamedTuple

from jobqueue.domain.job import JobState


class Move(NamedTuple):
    """One way in which a job changes its state.

    Attributes:
        name: The glossary's word for it.
        source: The state it leaves; None for a job that is new.
        target: The state it leads to; None for a job that is removed.
        who: Who makes it.
        when: On which condition.
        script: The Lua file that makes the move, without `.lua`.
    """

    name: str
    source: JobState | None
    target: JobState | None
    who: str
    when: str
    script: str


_SCHEDULED, _READY, _RUNNING, _DONE, _DEAD = JobState
_CLAIM, _SETTLE = "acknowledge_and_claim", "settle_failed"
_HOLDER = "the worker that holds the lease"

MOVES = (
    Move("submit", None, _READY, "a client", "the job may run right away", "submit"),
    Move("submit", None, _SCHEDULED, "a client", "the job has a delay", "submit"),
    Move("promote", _SCHEDULED, _READY, "the promoter", "a delayed or redelivered job is due", "promote"),
    Move(
        "admit",
        _SCHEDULED,
        _READY,
        "the admitter",
        "a retry is due and its type can pay for it",
        "admit_retries",
    ),
    Move("claim", _READY, _RUNNING, "a worker", "it has room; it gets a lease token", _CLAIM),
    Move("acknowledge", _RUNNING, _DONE, _HOLDER, "the handler returned", _CLAIM),
    Move(
        "retry",
        _RUNNING,
        _SCHEDULED,
        _HOLDER,
        "a transient error: attempt + 1",
        _SETTLE,
    ),
    Move(
        "bury",
        _RUNNING,
        _DEAD,
        _HOLDER,
        "a permanent error, or all attempts failed and the first failure is older than the outage to survive",
        _SETTLE,
    ),
    Move(
        "give back",
        _RUNNING,
        _READY,
        _HOLDER,
        "it drains and the job did not finish: the attempt doesn't count",
        "give_back",
    ),
    Move("reap", _RUNNING, _SCHEDULED, "the reaper", "the lease has lapsed: attempt + 1, due right away", _SETTLE),
    Move("reap", _RUNNING, _DEAD, "the reaper", "the lease has lapsed as often as the job has attempts", _SETTLE),
    Move("cancel", _SCHEDULED, _DEAD, "an operator", "the job must not run", "cancel"),
    Move("cancel", _READY, _DEAD, "an operator", "the job must not run", "cancel"),
    Move("re-drive", _DEAD, _READY, "an operator", "the cause is fixed: attempts begin again at 1", "redrive"),
    Move("trim", _DONE, None, "the trimmer", "it is older than done jobs are kept", "trim"),
    Move("trim", _DONE, None, "a worker that acknowledges", "there are more done jobs than are kept", _CLAIM),
    Move("trim", _DEAD, None, "the trimmer", "it is older than dead jobs are kept, or there are too many", "trim"),
)
