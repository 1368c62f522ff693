"""A card as the text of a list item."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NewCard:
    """What a new card says; None leaves a key out."""

    id: str
    kind: str
    question: str
    answer: str
    lesson: str
    step: str | None = None
    adr: int | None = None
    proof: str | None = None
    why_no_proof: str | None = None

    def as_item(self) -> str:
        """Return it as an unindented YAML list item."""
        lines = [f"- id: {self.id}", f"  kind: {self.kind}"]
        for key, text in (("question", self.question), ("answer", self.answer)):
            lines += [f"  {key}: |", *(f"    {line}".rstrip() for line in text.strip().splitlines())]
        lines.append(f"  lesson: {self.lesson}")
        proof = "none" if self.why_no_proof else self.proof
        optional = {"step": self.step, "adr": self.adr, "proof": proof, "why_no_proof": self.why_no_proof}
        lines += [f"  {key}: {value}" for key, value in optional.items() if value is not None]
        return "\n".join(lines) + "\n"
