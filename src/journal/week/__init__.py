"""What happened, from the history and git: a week's facts, and how confidence stated before compares with them."""
