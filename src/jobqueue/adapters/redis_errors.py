"""Translation of redis-py's errors into the service's own. Only this module knows both."""

from types import TracebackType

import redis.exceptions as theirs

from jobqueue.domain.errors import StoreError, StoreFull, StoreRefused, StoreUnavailable

_UNAVAILABLE = (
    theirs.ConnectionError,  # refused, reset, broken; also loading its data and wrong sentinel role
    theirs.TimeoutError,
    theirs.ReadOnlyError,  # a replica that was a primary a moment ago
    theirs.ClusterError,
    theirs.ClusterDownError,
    theirs.TryAgainError,
    theirs.MasterDownError,
    theirs.MovedError,
    theirs.AskError,
    ConnectionError,
    TimeoutError,
    OSError,
)


# --8<-- [start:error-translation]
def translate(error: BaseException) -> StoreError | None:
    """Return the service's error for one of redis-py's; None for any other error."""
    if isinstance(error, theirs.AuthenticationError | theirs.AuthorizationError):
        return StoreRefused(f"the store refused the credentials: {error}; check user and password in the address")
    if isinstance(error, theirs.OutOfMemoryError):
        return StoreFull(f"the store is full and takes no new jobs: {error}; raise maxmemory or drain the queues")
    if isinstance(error, _UNAVAILABLE):
        return StoreUnavailable(f"the store did not answer: {error}; check that it runs at the configured address")
    if isinstance(error, theirs.RedisError):
        if str(error).startswith(("OOM", "MISCONF")):
            return StoreFull(f"the store does not write: {error}; see its memory limit and its disk")
        return StoreRefused(f"the store answered with an error: {error}")
    return None


class Translated:
    """A context that replaces redis-py's errors with the service's own, the original as cause. Reusable, stateless."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Raise ours in place of theirs."""
        if error is not None and (ours := translate(error)) is not None:
            raise ours from error


# --8<-- [end:error-translation]

translated = Translated()
