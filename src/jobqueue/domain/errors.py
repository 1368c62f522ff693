"""The one tree of errors: everything the service raises on purpose is a `JobQueueError`.

Adapters translate what their technology raises into this tree; the gRPC front translates the tree into status codes.
No other code deals with either translation.
"""

from collections.abc import Sequence


class JobQueueError(Exception):
    """Root of every error that the service raises on purpose."""


# --8<-- [start:handler-errors]
class TransientError(JobQueueError):
    """Raised by a handler when another attempt may succeed: the job is retried while attempts are left."""


class PermanentError(JobQueueError):
    """Raised by a handler when no further attempt can succeed: the job is dead immediately."""


# --8<-- [end:handler-errors]


class JobTimedOut(TransientError):  # noqa: N818 - named for what happened
    """An attempt took longer than its handler's timeout; the worker raises it."""


class LeaseLapsed(TransientError):  # noqa: N818
    """A job's worker stayed silent past the lease; the reaper notes it in the job's error chain."""


class UnknownJobType(PermanentError):  # noqa: N818
    """No handler is registered for the job's type; the worker raises it."""


class UndecodableRecord(PermanentError):  # noqa: N818
    """A job's record can't be read; the worker buries the job with the record's bytes unchanged."""


class JobCancelled(PermanentError):  # noqa: N818
    """An operator cancelled the job before it ran. The job is dead with this reason and may be re-driven."""


class InvalidJob(JobQueueError, ValueError):  # noqa: N818
    """A submitted job breaks a rule; the message names field, value and remedy."""


class PayloadTooLarge(InvalidJob):
    """The payload is over the limit."""


class InvalidSettings(JobQueueError, ValueError):  # noqa: N818
    """Some settings can't be used; the error lists all of them.

    Attributes:
        problems: One sentence each: fact, value, remedy.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class JobNotFound(JobQueueError, LookupError):  # noqa: N818
    """No job of that id is in the queue: never submitted, or done and trimmed."""


class WrongState(JobQueueError):  # noqa: N818
    """The requested move doesn't start from the job's state: for example, a running job can't be cancelled."""


class LeaseLost(JobQueueError):  # noqa: N818
    """This worker has lost the lease of a running job; the result of its work no longer counts."""


class ShuttingDown(JobQueueError):  # noqa: N818
    """The process is draining and takes no new work; ask another one."""


# --8<-- [start:store-errors]
class StoreError(JobQueueError):
    """The store did not do what was asked."""


class StoreUnavailable(StoreError, TransientError):  # noqa: N818
    """The store did not answer, or is failing over; whether the move happened is not known.

    You may repeat every move: if it has happened, its repetition is refused or changes nothing.
    """


class StoreFull(StoreError, TransientError):  # noqa: N818
    """The store refuses to write because its memory limit is reached; nothing was changed."""


class StoreRefused(StoreError):  # noqa: N818
    """The store answered with an error that repeating can't fix, such as a wrong password or a wrong type of key."""


# --8<-- [end:store-errors]
