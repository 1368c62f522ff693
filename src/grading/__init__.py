"""The engine that grades a learner's file, in the terminal and in the page; it knows nothing of this course."""
