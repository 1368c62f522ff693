"""The innermost classified error decides, not the nearest.

Incident: "Card refused", raised because a lookup timed out, is tried again, although its author had classified it as permanent.
Fails: 3
Says: the nearest decides
"""


def _transient(
    error: BaseException | None,
    transient: tuple[type[BaseException], ...],
    permanent: tuple[type[BaseException], ...],
    passed: tuple[BaseException, ...],
) -> bool:
    found = False
    while error is not None and not any(error is known for known in passed):
        passed = (*passed, error)
        if isinstance(error, BaseExceptionGroup):
            # Each member goes on with its own copy of the way so far: two members may share a cause.
            return all(_transient(member, transient, permanent, passed) for member in error.exceptions)
        if isinstance(error, permanent):
            found = False
        elif isinstance(error, transient):
            found = True
        error = _behind(error)
    return found
