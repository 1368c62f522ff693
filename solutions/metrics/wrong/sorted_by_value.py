"""The pairs are sorted by label value, not by label name.

Incident: two series whose values sort differently print their labels in different orders, and a query that was copied from
  one does not match the other.
Fails: 1
Says: an alert watches one
"""


def series_key(name: str, labels: Mapping[str, str] | None = None) -> str:
    if not labels:
        return name
    pairs = ",".join(
        f'{label}="{_escaped(labels[label])}"' for label in sorted(labels, key=lambda label: labels[label])
    )
    return f"{name}{{{pairs}}}"
