"""What the programs print that a reader can run in the lessons of Days 134 to 136 and in the recall pages."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[3] / "solutions" / "examples" / "lessons"


@pytest.mark.parametrize(
    ("name", "prints"),
    [
        ("behind_the_wrapper", ["False [Errno 111] refused"]),
        ("bounded_buffer", ["capacity 3 lines in memory 4", "capacity 0 lines in memory 100"]),
        ("cluster_slot", ["13565 mail:ready", "5933 mail:leases", "4247 {mail}:ready", "4247 {mail}:leases"]),
        ("lame_duck", [f"pause {pause_s} s: {n} calls refused" for pause_s, n in ((0, 60), (1, 40), (2, 20), (5, 0))]),
        ("late_worker", ["A: refused", "B: accepted"]),
        ("never_awaits", ["job 1, job 2, job 3, request leaves", "job 1, request leaves, job 2, job 3"]),
        ("one_sentinel", ["1 ended, 4 still wait"]),
        ("rename_a_file", ["still there: ['order-2']"]),
    ],
)
def test_a_program_of_a_lesson_prints_what_the_text_says(name, prints, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert capsys.readouterr().out.splitlines() == prints


def test_the_slots_of_the_example_are_those_of_a_cluster():
    from redis.crc import key_slot

    slot = runpy.run_path(str(EXAMPLES / "cluster_slot.py"))["slot"]
    for key in ("mail:ready", "{mail}:ready", "a{b}c{d}", "{}x", "x}{y", "{"):
        assert slot(key) == key_slot(key.encode()), key
