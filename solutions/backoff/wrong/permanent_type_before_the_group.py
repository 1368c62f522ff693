"""The permanent types are asked first, so a group of such a type is permanent whatever its members are.

Incident: A client library groups its errors under a ValueError of its own. Every outage of the dependency is a dead letter at once.
Fails: 3
Says: a group whose own type is permanent
"""


def _transient(
    error: BaseException | None,
    transient: tuple[type[BaseException], ...],
    permanent: tuple[type[BaseException], ...],
    passed: tuple[BaseException, ...],
) -> bool:
    while error is not None and not any(error is known for known in passed):
        passed = (*passed, error)
        if isinstance(error, permanent):
            return False
        if isinstance(error, BaseExceptionGroup):
            # Each member goes on with its own copy of the way so far: two members may share a cause.
            return all(_transient(member, transient, permanent, passed) for member in error.exceptions)
        if isinstance(error, transient):
            return True
        error = _behind(error)
    return False
