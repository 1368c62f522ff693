"""`python -m journal` is the command `journal`."""

from journal.cli import main

main()
