"""The context is followed although `raise … from None` cut it off.

Incident: A validation error raised `from None` while a timeout was being handled is retried until the attempts run out.
Fails: 3
Says: raised from None
"""


def _behind(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None:
        return error.__cause__
    return error.__context__
