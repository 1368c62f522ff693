"""Entries are written without escapes, so that they can be read; lone surrogates cannot be encoded.

Incident: A file name from an old disk stands in an error's text: fail raises, recover raises, and the job stays where it is.
Fails: 3
Says: UnicodeEncodeError
"""


def _encode(job: dict[str, Any]) -> bytes:
    return json.dumps(job, ensure_ascii=False).encode()
