"""Reviews: the history of answers, the schedule that it gives, and who shows them (terminal, notebook, Anki)."""
