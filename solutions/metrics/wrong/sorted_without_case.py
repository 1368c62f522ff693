"""Label names are sorted without regard to case.

Incident: Two callers that write Queue and queue in another order feed two series, and an alert watches one.
Fails: 1
Says: equal but for their case
"""


def series_key(name: str, labels: Mapping[str, str] | None = None) -> str:
    if not labels:
        return name
    pairs = ",".join(f'{label}="{_escaped(labels[label])}"' for label in sorted(labels, key=str.lower))
    return f"{name}{{{pairs}}}"
