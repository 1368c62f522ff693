DELAYS_S = (0.5, 1, 2, 4, 8, 15, 30, 60)


def delay_s(attempt: int) -> float:
    return DELAYS_S[min(attempt, len(DELAYS_S)) - 1]


print(delay_s(1), delay_s(4), delay_s(10**9))
try:
    print(min(60.0, 0.5 * 2.0 ** (1_025 - 1)))
except OverflowError:
    print("OverflowError, before min() is called")
