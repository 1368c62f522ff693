"""The backslash is escaped last, so it doubles the backslashes that the other escapes have just put in.

Incident: an error text with a quote closes its label in the middle; the rest of the text is read as labels, or not at all.
Fails: 1, 4
Says: makes the scrape unreadable
"""


def _escaped(value: str) -> str:
    return value.replace('"', r"\"").replace("\n", r"\n").replace("\\", r"\\")
