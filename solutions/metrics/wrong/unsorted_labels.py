"""Labels are printed in the order in which the caller wrote them.

Incident: one caller writes queue before status, another status before queue; the alert on failed jobs watches one of two
  series and sleeps through the other.
Fails: 1, 2, 3
Says: two callers that write the same labels in another order feed two series
"""


def series_key(name: str, labels: Mapping[str, str] | None = None) -> str:
    if not labels:
        return name
    pairs = ",".join(f'{label}="{_escaped(labels[label])}"' for label in labels)
    return f"{name}{{{pairs}}}"
