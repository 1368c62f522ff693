"""A group is transient as soon as one member is.

Incident: A batch with one timeout and one malformed payload is retried as a whole, in vain, until its attempts run out.
Fails: 3
Says: a group with one permanent member
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
            return any(_transient(member, transient, permanent, passed) for member in error.exceptions)
        if isinstance(error, permanent):
            return False
        if isinstance(error, transient):
            return True
        error = _behind(error)
    return False
