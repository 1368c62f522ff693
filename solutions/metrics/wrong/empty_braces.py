"""Without labels the key still has its braces.

Incident: the same counter exists twice after an upgrade, up_total and up_total{}, and the alert is on the one that stopped.
Fails: 1, 2, 3, 4, 5, 6
Says: with and without empty braces
"""


def series_key(name: str, labels: Mapping[str, str] | None = None) -> str:
    labels = labels or {}
    pairs = ",".join(f'{label}="{_escaped(labels[label])}"' for label in sorted(labels))
    return f"{name}{{{pairs}}}"
