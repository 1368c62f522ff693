from collections.abc import Iterator


def add_one(account: dict[str, int]) -> Iterator[None]:
    seen = account["cents"]
    yield
    account["cents"] = seen + 1


for order in ("AABB", "ABAB", "ABBA", "BAAB", "BABA", "BBAA"):
    account = {"cents": 0}
    workers = {name: add_one(account) for name in "AB"}
    for name in order:
        next(workers[name], None)
    print(order, account["cents"])
