"""Only an Exception is looked at as a cause; a CancelledError is none.

Incident: Every dead letter of a deadline says TimeoutError and nothing below it: what was cut off is missing.
Fails: 3
Says: CancelledError
"""


def error_chain(error: BaseException) -> list[dict[str, str]]:
    chain: list[dict[str, str]] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while isinstance(link, Exception) and id(link) not in seen:
        seen.add(id(link))
        chain.append({"type": type(link).__name__, "message": str(link)})
        context = None if link.__suppress_context__ else link.__context__
        link = link.__cause__ if link.__cause__ is not None else context
    return chain
