"""The links from exercise step to lesson heading to decision to card, and back. The content itself holds them.

- A step names its headings in the exercise's README: `Read: [title](../../docs/lessons/day-….md#heading)` below the
  step's heading. So a failed run can say where to read without this package.
- A heading names its decisions by linking them in its section: `[ADR 0004](../adr/0004-full-jitter.md)`.
- A card names its heading (`lesson:`), and where it has them its step (`step:`) and decision (`adr:`).

Everything else (what a lesson, a decision and an exercise show of each other) is derived from these.
"""

from __future__ import annotations

from journal.content.links.holes import chain_problems
from journal.content.links.links import Chain, Link, read_chain

__all__ = ["Chain", "Link", "chain_problems", "read_chain"]
