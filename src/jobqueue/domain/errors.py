"""The one tree of errors: everything the service raises on purpose is a `JobQueueError`.

Adapters translate what their technology raises into this tree; the gRPC front translates the tree into status codes.
Nobody else looks at either side.
"""

from collections.abc import Sequence


class JobQueueError(Exception):
    """Root of every error that the service raises on purpose."""


# --8<-- [start:handler-errors]
class TransientError(JobQueueError):
    """Raised by a handler when another attempt may succeed: the job is retried while attempts are left."""


class PermanentError(JobQueueError):
    """Raised by a handler when no further attempt can succeed: the job is dead at once."""


# --8<-- [end:handler-errors]


class JobTimedOut(TransientError):  # noqa: N818 - named for what happened
    """An attempt took longer than its handler's timeout; the worker raises it."""


class LeaseLapsed(TransientError):  # noqa: N818
    """A job's worker stayed silent past the lease; the reaper notes it in the job's error chain."""


class UnknownJobType(PermanentError):  # noqa: N818
    """No handler is registered for the job's type; the worker raises it."""


class UndecodableRecord(PermanentError):  # noqa: N818
    """What is stored for a job cannot be read; the worker buries it with the bytes as they are."""


class JobCancelled(PermanentError):  # noqa: N818
    """Somebody cancelled the job before it ran; it is dead with this reason and may be re-driven."""


class InvalidJob(JobQueueError, ValueError):  # noqa: N818
    """A submitted job breaks a rule; the message names field, value and remedy."""


class PayloadTooLarge(InvalidJob):
    """The payload is over the limit."""


class InvalidSettings(JobQueueError, ValueError):  # noqa: N818
    """Settings that cannot be used, all of them at once.

    Attributes:
        problems: One sentence each: fact, value, remedy.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class JobNotFound(JobQueueError, LookupError):  # noqa: N818
    """No job of that id is in the queue: never submitted, or done and trimmed."""


class WrongState(JobQueueError):  # noqa: N818
    """The job is not in a state from which the asked move starts, such as a cancel of a running job."""


class LeaseLost(JobQueueError):  # noqa: N818
    """The lease of a running job is held by somebody else by now; what this worker does with it no longer counts."""


class ShuttingDown(JobQueueError):  # noqa: N818
    """The process is draining and takes no new work; ask another one."""


# --8<-- [start:store-errors]
class StoreError(JobQueueError):
    """The store did not do what was asked."""


class StoreUnavailable(StoreError, TransientError):  # noqa: N818
    """The store did not answer, or is failing over; whether the move happened is not known.

    Every move may be repeated: a repetition of one that happened is refused or changes nothing.
    """


class StoreFull(StoreError, TransientError):  # noqa: N818
    """The store refuses to write because its memory limit is reached; nothing was changed."""


class StoreRefused(StoreError):  # noqa: N818
    """The store answered with an error that a repetition can't fix: wrong password, wrong type under a key."""


# --8<-- [end:store-errors]
