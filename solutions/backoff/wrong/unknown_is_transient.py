"""What nobody classified is taken for transient.

Incident: After a deployment every job raises an error that nobody has listed; each is tried five times, and the budget is gone in seconds.
Fails: 3
Says: an unclassified error with nothing behind it
"""


def _transient(
    error: BaseException | None,
    transient: tuple[type[BaseException], ...],
    permanent: tuple[type[BaseException], ...],
    passed: tuple[BaseException, ...],
) -> bool:
    while error is not None and not any(error is known for known in passed):
        passed = (*passed, error)
        if isinstance(error, BaseExceptionGroup):
            # Each member goes on with its own copy of the way so far: two members may share a cause.
            return all(_transient(member, transient, permanent, passed) for member in error.exceptions)
        if isinstance(error, permanent):
            return False
        if isinstance(error, transient):
            return True
        error = _behind(error)
    return True
