"""The first waits of one seed are compared with those that were seen once.

Incident: A correct change of the way of drawing breaks the build, and the numbers are pasted again without a look.
Fails: 3
Says: and not built as you may expect
"""


def test_jitter_is_drawn_from_the_source_it_is_given() -> None:
    before = global_random.getstate()
    first, again, other = waits(3, 7, 20), waits(3, 7, 20), waits(3, 8, 20)
    assert first[:2] == [2 * 2 * Random(7).random(), first[1]]
    assert first == again
    assert first != other
    assert global_random.getstate() == before
