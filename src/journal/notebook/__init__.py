"""What notebooks call; they hold no logic of their own."""

from journal.notebook.review import cards_in, quiz

__all__ = ["cards_in", "quiz"]
