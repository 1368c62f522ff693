class QueueUnavailable(Exception):
    pass


def find(error: BaseException | None, kind: type[BaseException]) -> object:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__
    return error


try:
    raise QueueUnavailable("no answer") from ConnectionRefusedError(111, "refused")
except QueueUnavailable as error:
    print(isinstance(error, ConnectionError), find(error, ConnectionError))
