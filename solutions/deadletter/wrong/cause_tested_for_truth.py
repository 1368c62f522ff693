"""The cause is tested for truth instead of for None.

Incident: A client's error that lists its faults, none this time, is false: the record stops one link before the cause.
Fails: 3
Says: NoFaultsError
"""


def error_chain(error: BaseException) -> list[dict[str, str]]:
    chain: list[dict[str, str]] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        chain.append({"type": type(link).__name__, "message": str(link)})
        context = None if link.__suppress_context__ else link.__context__
        link = link.__cause__ or context
    return chain
