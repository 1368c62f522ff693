"""The journal's tooling: cards, schedule, history, grading, proofs and the site; it knows nothing of the job service."""
