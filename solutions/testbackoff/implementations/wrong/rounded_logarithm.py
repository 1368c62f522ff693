"""It doubles by way of a logarithm of two with four digits.

Incident: Waits are too short by up to a quarter of a percent: a server that computes the same schedule by doubling takes them for retries that did not wait, and blocks the client.
Fails: 1
"""


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1 or not 0 < base_s < math.inf or not base_s <= cap_s < math.inf:
        raise ValueError(f"attempt {attempt}, base {base_s}, cap {cap_s}")
    exponent = min(attempt - 1, 100) * 0.6931 + math.log(base_s)
    return cap_s if exponent >= math.log(cap_s) else min(cap_s, math.exp(exponent))
