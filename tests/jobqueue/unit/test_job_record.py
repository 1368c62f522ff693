"""The stored form of a job."""

import random

import pytest

from jobqueue.adapters.job_record import decode, decode_or_show, encode
from jobqueue.domain.errors import UndecodableRecord
from jobqueue.domain.verdict import noted, redriven
from tests.jobqueue.fakes.jobs import T0, job


def test_a_plain_job_is_one_short_line_and_its_payload():
    assert encode(job(1)) == b'[1,"greet",1,1700000000.0,1700000000.0]\n{"n":1}'


def test_every_field_comes_back():
    whole = noted(job(1, attempt=4, key="ü", context={"traceparent": "00-1"}), ValueError("a\nb"), T0 + 0.25)
    whole = redriven(whole, died_at=T0 + 1.5, now=T0 + 2.125)
    assert decode(whole.id, "q", encode(whole)) == whole


def test_what_a_newer_writer_adds_is_ignored():
    record = b'[1,"greet",1,1.0,1.0,{"k":"a","new":[1]},"more"]\n{}'
    assert decode("x", "q", record).key == "a"


def test_no_truncated_or_changed_record_raises_anything_else():
    whole = encode(redriven(noted(job(1, key="k"), ValueError("x"), T0), died_at=T0, now=T0))
    rng = random.Random(8)
    for _ in range(5000):
        raw = bytearray(whole[: rng.randrange(len(whole) + 1)])
        for _ in range(rng.randrange(4)):
            if raw:
                raw[rng.randrange(len(raw))] = rng.randrange(256)
        try:
            decode("x", "q", bytes(raw))
        except UndecodableRecord:
            shown = decode_or_show("x", "q", bytes(raw), T0)
            assert (shown.type, shown.payload) == ("unreadable", bytes(raw))


@pytest.mark.parametrize(
    "line", [b'[1,"greet",true,1.0,1.0]', b'[1,"greet",1,1,1.0]', b'[1,"greet",1,1.0,"x"]', b"null"]
)
def test_a_field_of_the_wrong_type_is_refused(line):
    with pytest.raises(UndecodableRecord):
        decode("x", "q", line + b"\n{}")
