"""Quotes and backslashes are escaped, line feeds are forgotten.

Incident: the first exception text with two lines, used as a label, splits a sample in the middle of a value.
Fails: 1, 4
Says: makes the scrape unreadable
"""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"")
