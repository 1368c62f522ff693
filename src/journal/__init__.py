"""The journal's tooling: cards, schedule, history, grading, proofs, site. It knows nothing about the job service."""
