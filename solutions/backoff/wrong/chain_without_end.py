"""The chain is walked without remembering where it has been.

Incident: An error re-raised from its own cause hangs the worker: no exception, no log line, 100 % CPU.
Fails: 3
Says: asked for the error behind it 100,000 times
"""


def _transient(
    error: BaseException | None,
    transient: tuple[type[BaseException], ...],
    permanent: tuple[type[BaseException], ...],
    passed: tuple[BaseException, ...],
) -> bool:
    while error is not None:
        if isinstance(error, BaseExceptionGroup):
            # Each member goes on with its own copy of the way so far: two members may share a cause.
            return all(_transient(member, transient, permanent, passed) for member in error.exceptions)
        if isinstance(error, permanent):
            return False
        if isinstance(error, transient):
            return True
        error = _behind(error)
    return False
