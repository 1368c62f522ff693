"""`python -m journal.course`."""

import sys

from journal.course.command import command
from journal.problems import ContentError

try:
    command(standalone_mode=False)
except ContentError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(1)
