"""The journal's tooling: cards, schedule, history, grading, proofs, site; it knows nothing of the job service."""
