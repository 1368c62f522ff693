"""An error that an adapter translates, and a walk along its chain that respects `from None` and ends on circles."""


class QueueUnavailable(Exception):  # noqa: N818 - named as the domain's errors are
    """The domain's word for a queue that does not answer; what the adapter caught is its cause."""


def translate() -> None:
    """Fail as an adapter does.

    Raises:
        QueueUnavailable: Always, with the library's error as its cause.
    """
    try:
        raise ConnectionRefusedError(111, "connection refused")
    except ConnectionError as error:
        raise QueueUnavailable("the queue does not answer") from error


def find(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """Return the first error of this kind in the chain, as Go's errors.As does; None if there is none."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, kind):
            return error
        seen.add(id(error))
        if error.__cause__ is not None:
            error = error.__cause__
        else:
            error = None if error.__suppress_context__ else error.__context__
    return None
