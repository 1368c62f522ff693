"""Walk the whole chain and report every hole with file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.content.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.content.library import Library
    from journal.content.links.links import Chain

# What was never adopted need not be taught.
_NOT_TAUGHT = ("proposed", "rejected")


def chain_problems(library: Library) -> list[Problem]:
    """Return every place at which the chain from steps over headings and decisions to cards is broken."""
    chain = library.links
    found = [*_steps(chain), *_decisions(chain), *_lessons(library, chain), *_shown(library, chain)]
    return sorted(set(found))


def _steps(chain: Chain) -> Iterator[Problem]:
    dead = [link for link in chain.reads if link.target not in chain.headings]
    for link in dead:
        yield Problem(
            link.path, link.line, f"step {link.source} is read at {link.target}, and no lesson has that heading"
        )
    for step, place in chain.steps.items():
        named = [link.target for link in chain.reads if link.source == step]
        if not named:
            remedy = "add `Read: [title](../../docs/lessons/day-….md#heading)` below its heading"
            yield Problem(place.path, place.line, f"step {step} does not say where to read; {remedy}")
        # With its section asked by a card, a step is two links from one, even if it has none of its own.
        for link in chain.reads:
            if link.source == step and link.target in chain.headings and not chain.cards_of_heading(link.target):
                yield Problem(
                    link.path, link.line, f"step {step} is read at {link.target}, of which no card asks; write one"
                )


def _decisions(chain: Chain) -> Iterator[Problem]:
    for adr in chain.adrs.values():
        if adr.status in _NOT_TAUGHT:
            continue
        if not chain.headings_of_adr(adr.number):
            yield Problem(
                adr.path, 1, f"no lesson links decision {adr.number}; link it in the section that it decides about"
            )
        elif not chain.cards_of_adr(adr.number):
            yield Problem(
                adr.path, 1, f"no card asks of decision {adr.number}; write one with `adr: {adr.number}`, or for a "
                f"heading that links it",
            )  # fmt: skip
    for link in chain.decides:
        if int(link.target) not in chain.adrs:
            yield Problem(link.path, link.line, f"links decision {link.target}, and there is none of that number")


def _lessons(library: Library, chain: Chain) -> Iterator[Problem]:
    for lesson in library.lessons:
        name = lesson.path.removeprefix("docs/")
        linked = {int(link.target) for link in chain.decides if link.source.startswith(f"{name}#")}
        for number in lesson.adrs:
            if number not in linked:
                yield Problem(
                    lesson.path, 1, f"the front matter names decision {number}, and no section of the lesson links it"
                )


def _shown(library: Library, chain: Chain) -> Iterator[Problem]:
    """A page that others lead to must lead back: the `chain` fence shows how."""
    lessons = {link.target.partition("#")[0] for link in chain.reads if not link.target.startswith("exercises/")}
    lessons |= {link.source.partition("#")[0] for link in chain.decides}
    pages = [f"docs/{name}" for name in sorted(lessons)]
    pages += [adr.path for adr in chain.adrs.values() if adr.status not in _NOT_TAUGHT]
    for path in pages:
        page = library.page(path)
        if page and not any(line.strip() == "```chain" for _, line in page.body):
            yield Problem(
                path, 1, "the page does not show what it hangs together with; add a `chain` fence, two lines: ```chain "
                "and ```",
            )  # fmt: skip
