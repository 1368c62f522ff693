"""Skeletons: what a new week, lesson, exercise, decision or card looks like before a keeper fills it in."""

from journal.skeletons.files import AlreadyThereError, write_new

__all__ = ["AlreadyThereError", "write_new"]
