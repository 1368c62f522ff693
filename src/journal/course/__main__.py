"""`python -m journal.course`."""

import sys

from journal.content.problems import ContentError
from journal.course.command import command

try:
    command(standalone_mode=False)
except ContentError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(1)
