"""Only the outermost error is looked at, not what it wraps.

Incident: A driver that wraps ConnectionError in a type of its own turns every hiccup of the network into a dead letter.
Fails: 3
Says: an unclassified error, cause transient
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
        return False
    return False
