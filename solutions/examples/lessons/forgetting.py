W20 = 0.1542
FACTOR = 0.9 ** (-1 / W20) - 1


def recall(days: float, stability_days: float) -> float:
    return (1 + FACTOR * days / stability_days) ** -W20


for days in (0, 1, 10, 30, 100):
    print(f"after {days:3} days: {recall(days, stability_days=10):.0%}")
