"""Errors that were passed are looked up with `in`, which compares them with ==.

Incident: An error class that compares by its fields ends the walk at the second of its kind, and a hiccup behind it buries the job.
Fails: 3
Says: equal (==) but not the same
"""


def _transient(
    error: BaseException | None,
    transient: tuple[type[BaseException], ...],
    permanent: tuple[type[BaseException], ...],
    passed: tuple[BaseException, ...],
) -> bool:
    while error is not None and error not in passed:
        passed = (*passed, error)
        if isinstance(error, BaseExceptionGroup):
            # Each member goes on with its own copy of the way so far: two members may share a cause.
            return all(_transient(member, transient, permanent, passed) for member in error.exceptions)
        if isinstance(error, permanent):
            return False
        if isinstance(error, transient):
            return True
        error = _behind(error)
    return False
