"""The page's own FSRS-6 and py-fsrs give the same schedule for the same history."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections import Counter

import pytest

from journal.site.node import WEB, find_node
from tests.web.pages import ROOT, served
from tests.web.random_histories import STEPS, ZONES, disagreements, expected, micros, random_history

SCRIPT = ROOT / "tests" / "web" / "replay.mjs"
LONG_SCALE = float(os.environ.get("LONG_SCALE", "1"))


def histories(count, seed, zone):
    chance = random.Random(f"{seed} {zone.key}")
    return [random_history(chance, zone) for _ in range(count)]


def asked(lines, now):
    return {"events": lines, "steps": STEPS, "now": micros(now)}


def replayed_in_node(node, made, zone):
    done = subprocess.run(
        ["node", str(SCRIPT), WEB.as_uri() + "/"],
        input="".join(json.dumps(asked(*one)) + "\n" for one in made),
        env={**node.environment(), "TZ": zone.key},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def compare(results, made, zone):
    seen = Counter()
    for index, (result, (lines, now)) in enumerate(zip(results, made, strict=True)):
        wanted = expected(lines, now, zone)
        found = disagreements(result, wanted, now)
        assert not found, f"{zone.key}, history {index}:\n" + "\n".join([*found, *lines])
        for state in wanted["states"].values():
            seen.update([state.state, "lapsed" if state.lapses else "", "pulled" if state.pulled_at else ""])
    return seen


def agree(total, seed):
    node = find_node()
    seen = Counter()
    for position, zone in enumerate(ZONES):
        made = histories(total // len(ZONES) + (position < total % len(ZONES)), seed, zone)
        seen += compare(replayed_in_node(node, made, zone), made, zone)
    # Were a kind of state never reached, agreement on it would be no finding.
    for kind in ("learning", "review", "relearning", "lapsed", "pulled"):
        assert seen[kind] > total / 50, f"only {seen[kind]} of {total} histories reached {kind!r}"


def test_page_and_python_agree_on_random_histories():
    """Did: replayed 500 random histories in six time zones with the page's schedule, in Node, and with Python's.

    Saw: the same due instants to the microsecond, stability and difficulty within 1e-9, the same cards due today.
    Otherwise: a card that is due in the terminal would not be due in the page, or on another day.
    """
    agree(500, "test")


@pytest.mark.long
def test_page_and_python_agree_on_many_random_histories():
    agree(max(500, round(10_000 * LONG_SCALE)), "long")


@pytest.mark.browser
@pytest.mark.parametrize("zone", ZONES[1:3], ids=lambda zone: zone.key)
def test_the_schedule_in_chromium_agrees_as_well(visit, zone):
    made = histories(40, "chromium", zone)
    with served(ROOT) as url:
        page = visit(url + "docs/assets/img/favicon.svg", timezone_id=zone.key).page
        results = page.evaluate(
            """async ([script, web, all]) => {
                const { replayer } = await import(script);
                const replayed = await replayer(web);
                return all.map(replayed);
            }""",
            [url + "tests/web/replay.mjs", f"{url}{WEB.relative_to(ROOT).as_posix()}/", [asked(*one) for one in made]],
        )
    compare(results, made, zone)
