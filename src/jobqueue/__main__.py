"""`python -m jobqueue` is the command `jobqueue`."""

from jobqueue.main import main

main()
