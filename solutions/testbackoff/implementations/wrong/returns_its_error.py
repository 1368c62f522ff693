"""A bad setting is answered with a ValueError that is returned, not raised.

Incident: A cap below the base came from the configuration. The wait was an exception object, `asyncio.sleep` refused it, and
  every first failure ended its job with a TypeError.
Fails: 1
"""


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1 or not 0 < base_s <= cap_s < math.inf:
        return ValueError(f"attempt {attempt}, base {base_s}, cap {cap_s}")
    ceiling = base_s
    for _ in range(min(attempt - 1, 100)):
        if ceiling >= cap_s:
            break
        ceiling *= 2
    return min(ceiling, cap_s)
