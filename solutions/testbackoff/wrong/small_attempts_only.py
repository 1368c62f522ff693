"""No attempt above 70 is tried.

Incident: The overflow at attempt 1,025 and the loop of a billion rounds go out with a green build.
Fails: 2
Says: OverflowError in the scheduler
"""

del test_ceiling_of_a_huge_attempt_is_there_at_once
