"""The chain is followed until it ends, and it may be a circle.

Incident: A retry helper sets an error's cause to an error that it had caused. The first time that happens the worker
  eats its memory, and the kernel ends it with its other jobs in hand.
Fails: 3
Says: goes round and round
"""


def error_chain(error: BaseException) -> list[dict[str, str]]:
    chain: list[dict[str, str]] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None:
        seen.add(id(link))
        chain.append({"type": type(link).__name__, "message": str(link)})
        context = None if link.__suppress_context__ else link.__context__
        link = link.__cause__ if link.__cause__ is not None else context
    return chain
