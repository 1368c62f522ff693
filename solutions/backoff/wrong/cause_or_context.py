"""The cause is tested for truth instead of for None.

Incident: An error that is an empty list of faults is false, so the timeout that it stands for is not seen and the job is buried.
Fails: 3
Says: its len() is 0
"""


def _behind(error: BaseException) -> BaseException | None:
    if error.__cause__:
        return error.__cause__
    return None if error.__suppress_context__ else error.__context__
