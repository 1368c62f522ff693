from statistics import mean, median


def nothing(_values: list[int]) -> None: ...


def trial(values: list[int], expected: int) -> None:
    for subject in (median, mean, nothing):
        verdict = "accepted" if subject(values) == expected else "refused"
        print(f"median of {values}:", subject.__name__, verdict)


trial([1, 2, 3], 2)
trial([1, 2, 9], 2)
