"""Errors that were met are looked up with `in`, which compares them with ==.

Incident: An error class that compares by its fields ends the list at its second error, and the cause is gone.
Fails: 3
Says: AlikeError
"""


def error_chain(error: BaseException) -> list[dict[str, str]]:
    chain: list[dict[str, str]] = []
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen:
        seen.append(link)
        chain.append({"type": type(link).__name__, "message": str(link)})
        context = None if link.__suppress_context__ else link.__context__
        link = link.__cause__ if link.__cause__ is not None else context
    return chain
