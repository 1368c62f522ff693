"""Numbers are printed with six significant digits.

Incident: a byte counter past a million stands still between scrapes, then jumps; rate() shows silence and spikes.
Fails: 4
Says: a big counter printed with six digits stands still
"""


def _number(value: float) -> str:
    return "+Inf" if value == math.inf else f"{value:g}"
