"""Labels are taken out of the key again by splitting it at commas.

Incident: an error text with a comma in it prints half a label, and the scrape is a parse error.
Fails: 4
Says: comma between
"""


def _split(key: str) -> tuple[str, list[str]]:
    name, brace, labels = key.partition("{")
    return name, [label for label in labels.removesuffix("}").split(",") if "=" in label]
