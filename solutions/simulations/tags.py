"""The two ways to tag a version with git, as arguments of `git`."""

LIGHTWEIGHT = ("tag", "v0.5.0")
ANNOTATED = ("tag", "-a", "v0.5.0", "-m", "the capstone runs end to end")
