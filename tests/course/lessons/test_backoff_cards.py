"""What two cards on retries say: from where full jitter draws, and how an unclassified error is taken."""

from random import Random

from solutions.backoff.backoff import full_jitter_s, is_transient


def test_full_jitter_draws_from_zero_to_the_ceiling():
    """Full jitter is uniform from zero to the ceiling, and not a little around the ceiling.

    Did: drew 10,000 waits with a ceiling of 8 s (seed 4), and counted them by tenths of the ceiling.
    Saw: between 900 and 1,100 in each tenth, the first and the last included.
    Otherwise: the lower tenths would be empty, as they are when the ceiling is varied by a tenth or a half.
    """
    random = Random(4)
    tenths = [0] * 10
    for _ in range(10_000):
        tenths[int(full_jitter_s(4, base_s=1.0, cap_s=60.0, random=random) / 0.8)] += 1
    assert all(900 < count < 1_100 for count in tenths), tenths


def test_what_nobody_has_classified_is_permanent():
    """An error that is in no list, and has nothing behind it, is not retried.

    Did: classified a ZeroDivisionError and an error of our own with the default lists.
    Saw: permanent, both.
    Otherwise: a bug would be retried until its attempts and the budget of everybody were used up.
    """

    class Unheard(Exception):  # noqa: N818
        pass

    assert not is_transient(ZeroDivisionError())
    assert not is_transient(Unheard())
