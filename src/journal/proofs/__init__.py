"""Proofs: what the text claims, which test shows it, what that test last said, and which mutation must turn it red."""

from __future__ import annotations

from journal.proofs.docstrings import MAX_CLAIMS_A_TEST, Evidence, evidence, proof_problems, unproven_bullets

__all__ = ["MAX_CLAIMS_A_TEST", "Evidence", "evidence", "proof_problems", "unproven_bullets"]
