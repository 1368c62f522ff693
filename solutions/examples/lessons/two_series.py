from collections import Counter

totals: Counter[str] = Counter()


def count(**labels: str) -> None:
    totals[str(labels)] += 1


count(queue="mail", status="ok")
count(status="ok", queue="mail")
print(len(totals), "series:", *totals)
