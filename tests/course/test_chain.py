"""From any failing step to a card in at most two links, and back; from any decision too; no link of it is dead."""

from __future__ import annotations

import re

import pytest

from journal.content.library import library
from journal.content.links import chain_problems
from journal.site.fences import chain as chain_fence
from journal.site.fences import exercise as exercise_fence
from journal.site.fences import map as map_fence
from journal.site.fences.place import Place
from tests.course.conftest import ROOT

CHAIN = library(ROOT).links


def test_chain_of_this_journal_has_no_hole():
    problems = chain_problems(library(ROOT))
    assert problems == [], "\n".join(map(str, problems))


def test_chain_is_not_empty():
    assert len(CHAIN.steps) >= 24
    assert len(CHAIN.adrs) >= 16
    assert len(CHAIN.cards) >= 100


def links(kind, name):
    """What one page about `name` links, as (kind, name): one step along the chain, in either direction."""
    if kind == "step":
        return {("heading", h) for h in CHAIN.headings_of_step(name)} | {("card", c) for c in CHAIN.cards_of_step(name)}
    if kind == "heading":
        return (
            {("step", s) for s in CHAIN.steps_of_heading(name)}
            | {("adr", a) for a in CHAIN.adrs_of_heading(name)}
            | {("card", c) for c in CHAIN.cards_of_heading(name)}
        )
    if kind == "adr":
        return {("heading", h) for h in CHAIN.headings_of_adr(name)} | {("card", c) for c in CHAIN.cards_of_adr(name)}
    card = CHAIN.cards[name]
    found = {("heading", card.lesson)} | {("adr", a) for a in CHAIN.adrs_of_card(name)}
    return found | ({("step", card.step)} if card.step else set())


def within(start, length):
    reached, edge = {start}, {start}
    for _ in range(length):
        edge = {there for here in edge for there in links(*here)} - reached
        reached |= edge
    return reached


@pytest.mark.parametrize("step", sorted(CHAIN.steps))
def test_failing_step_leads_to_a_card_in_two_links_and_back(step):
    cards = {name for kind, name in within(("step", step), 2) if kind == "card"}
    assert cards
    back = {card for card in cards if ("step", step) in within(("card", card), 2)}
    assert back == cards


@pytest.mark.parametrize("number", sorted(CHAIN.adrs))
def test_decision_leads_to_a_section_and_a_card_and_back(number):
    reached = within(("adr", number), 2)
    assert {"heading", "card"} <= {kind for kind, _ in reached}
    for kind, name in within(("adr", number), 1) - {("adr", number)}:
        assert ("adr", number) in within((kind, name), 2)


@pytest.mark.parametrize("card", sorted(CHAIN.cards))
def test_card_leads_to_its_section_which_leads_back(card):
    heading = CHAIN.cards[card].lesson
    if heading in CHAIN.headings:
        assert ("card", card) in links("heading", heading)


def targets(html):
    return re.findall(r'href="([^"]+)"', html)


def test_every_lesson_shows_its_steps_decisions_and_cards():
    for page in {name.partition("#")[0] for name in CHAIN.headings if name.startswith("lessons/")}:
        shown = chain_fence.render({}, Place(ROOT, page))
        for heading in (name for name in CHAIN.headings if name.startswith(f"{page}#")):
            for step in CHAIN.steps_of_heading(heading):
                assert f"exercises/{step.replace('/', '/#step-')}" in shown
            for card in CHAIN.cards_of_heading(heading):
                assert f"#card-{card}" in shown
            for number in CHAIN.adrs_of_heading(heading):
                assert f"ADR {number:04d}" in shown


def test_every_decision_shows_its_sections_and_cards():
    for adr in CHAIN.adrs.values():
        shown = chain_fence.render({}, Place(ROOT, adr.path.removeprefix("docs/")))
        assert len(targets(shown)) >= 2, adr.path
        assert all(f"#card-{card}" in shown for card in CHAIN.cards_of_adr(adr.number))


def test_exercises_page_leads_from_each_step_to_its_section_and_cards():
    for slug in {step.partition("/")[0] for step in CHAIN.steps}:
        page = exercise_fence.render({"slug": slug}, Place(ROOT, f"exercises/{slug}.md"))
        for step in (step for step in CHAIN.steps if step.startswith(f"{slug}/")):
            number = step.partition("/")[2]
            below = page.partition(f'id="step-{number}"')[2].partition('id="step-')[0]
            assert all(f"#card-{card}" in below for card in CHAIN.cards_of_step(step)), step
            named = [link.target for link in CHAIN.reads if link.source == step]
            assert all(f"#{heading.partition('#')[2]}" in below for heading in named), step


def test_map_shows_every_step_decision_and_card(caplog):
    shown = map_fence.render({}, Place(ROOT, "reference/map.md"))
    assert all(f"#card-{card}" in shown for card in CHAIN.cards)
    assert all(f"ADR {number:04d}" in shown for number in CHAIN.adrs)
    assert all(f"#step-{step.partition('/')[2]}" in shown for step in CHAIN.steps)
    assert caplog.records == [], "a link of the map leads nowhere"
