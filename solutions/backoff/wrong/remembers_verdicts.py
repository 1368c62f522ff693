"""The verdict on an error is kept, so that its chain is walked once.

Incident: A driver creates one error for each connection and raises it again with another cause each time. The first cause
  decided for all of them.
Fails: 3
Says: asked again
"""


def is_transient(
    error: BaseException,
    *,
    transient: tuple[type[BaseException], ...] = TRANSIENT,
    permanent: tuple[type[BaseException], ...] = PERMANENT,
) -> bool:
    key = (transient, permanent)
    known: dict[object, bool] = error.__dict__.setdefault("_verdicts", {})
    if key not in known:
        known[key] = _transient(error, transient, permanent, passed=())
    return known[key]
