"""CONTRIBUTING lists every variable that the journal and its engine read."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_variable_that_the_code_reads_is_in_the_table():
    read = {
        name
        for folder in ("src", "exercises", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"\bREDRIVE_[A-Z_]+\b", path.read_text(encoding="utf-8"))
    }
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Environment variables")[2]
    listed = set(re.findall(r"\bREDRIVE_[A-Z_]+\b", table.partition("\n## ")[0]))
    assert read - listed == set(), "CONTRIBUTING's table lacks these"
    assert listed - read == set(), "CONTRIBUTING's table lists what nothing reads"
