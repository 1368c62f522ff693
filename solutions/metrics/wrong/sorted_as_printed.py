"""What is sorted are the printed pairs, not the names, so `code2=` comes before `code=`.

Incident: A second service, in another language, sorts names. Of one series the dashboard shows two halves.
Fails: 1
Says: code="a",code2="b"
"""


def series_key(name: str, labels: Mapping[str, str] | None = None) -> str:
    if not labels:
        return name
    pairs = ",".join(sorted(f'{label}="{_escaped(value)}"' for label, value in labels.items()))
    return f"{name}{{{pairs}}}"
