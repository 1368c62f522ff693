"""Nobody asks where the waits are drawn from.

Incident: Workers forked after the import draw the same waits, and no failed run can be replayed from its seed.
Fails: 4
Says: No failure can be replayed
"""

del test_jitter_is_drawn_from_the_source_it_is_given
