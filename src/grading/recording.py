"""Write down what every network's server was asked and answered, for a replay on a real server.

`REDRIVE_RECORDING=path` makes a run write one JSON object a line for each network: its seed, the protocol, and the
exchanges in the order of the server. Bytes are written as Latin-1 text, so nothing is lost.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grading.network import Network


def plain(reply: Any) -> Any:  # noqa: PLR0911 - one for each kind of reply
    """Turn a reply into JSON that compares equal for equal replies; of an error only its first word is kept."""
    if isinstance(reply, bytes):
        return {"bytes": reply.decode("latin-1")}
    if isinstance(reply, str):
        return {"bytes": reply}
    if isinstance(reply, BaseException):
        return {"error": type(reply).__name__}
    if isinstance(reply, (list, tuple)):
        return [plain(part) for part in reply]
    if isinstance(reply, dict):
        return {"map": sorted(([plain(key), plain(value)] for key, value in reply.items()), key=repr)}
    if isinstance(reply, (set, frozenset)):
        return {"set": sorted((plain(part) for part in reply), key=repr)}
    return reply


def write_recordings(path: str, networks: list[Network]) -> None:
    """Write one line for each network that was asked anything."""
    with Path(path).open("w", encoding="utf-8") as file:
        for network in networks:
            exchanges = [
                {
                    "session": one.session,
                    "at_s": one.at_s,
                    "command": [part.decode("latin-1") for part in one.command],
                    "reply": plain(one.reply),
                    "replied": one.replied,
                }
                for one in network.recording
            ]
            if exchanges:
                file.write(
                    json.dumps({"seed": network.seed, "protocol": network.protocol, "exchanges": exchanges}) + "\n"
                )
