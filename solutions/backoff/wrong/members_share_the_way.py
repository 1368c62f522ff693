"""One set of errors already seen serves all members of a group.

Incident: Two requests of a batch fail for one and the same broken connection; the second counts as permanent, and the batch is buried.
Fails: 3
Says: share one transient cause
"""


def is_transient(
    error: BaseException,
    *,
    transient: tuple[type[BaseException], ...] = TRANSIENT,
    permanent: tuple[type[BaseException], ...] = PERMANENT,
) -> bool:
    return _transient(error, transient, permanent, passed=[])


def _transient(
    error: BaseException | None,
    transient: tuple[type[BaseException], ...],
    permanent: tuple[type[BaseException], ...],
    passed: list[BaseException],
) -> bool:
    while error is not None and not any(error is known for known in passed):
        passed.append(error)
        if isinstance(error, BaseExceptionGroup):
            return all(_transient(member, transient, permanent, passed) for member in error.exceptions)
        if isinstance(error, permanent):
            return False
        if isinstance(error, transient):
            return True
        error = _behind(error)
    return False
