"""The chain follows the context even where `from None` cut it.

Incident: An error was raised `from None` because the one below holds a customer's token. It is in every dead letter,
  and in every ticket made from one.
Fails: 3
Says: raised_from_none
"""


def error_chain(error: BaseException) -> list[dict[str, str]]:
    chain: list[dict[str, str]] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        chain.append({"type": type(link).__name__, "message": str(link)})
        context = link.__context__
        link = link.__cause__ if link.__cause__ is not None else context
    return chain
