"""Label values go into the key as they are.

Incident: a dependency answers with an error text that contains a quote; from then on the scrape is a parse error, and every
  graph of the service has a hole until it is restarted.
Fails: 1, 4
Says: makes the scrape unreadable
"""


def _escaped(value: str) -> str:
    return value
