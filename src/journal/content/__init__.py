"""Everything that reads docs/ and the exercises' texts: cards, lessons, decisions, weeks, and their links."""
