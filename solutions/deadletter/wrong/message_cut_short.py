"""An error's text is cut to 200 characters, so that the records stay small.

Incident: The text of a failed query begins with the query. What the database said about it came after the cut.
Fails: 3
Says: 8007 characters
"""


def error_chain(error: BaseException) -> list[dict[str, str]]:
    chain: list[dict[str, str]] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        chain.append({"type": type(link).__name__, "message": str(link)[:200]})
        context = None if link.__suppress_context__ else link.__context__
        link = link.__cause__ if link.__cause__ is not None else context
    return chain
