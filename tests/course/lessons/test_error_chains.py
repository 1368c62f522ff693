"""What the recall page on error chains claims."""

import pytest

from solutions.simulations.error_chain import QueueUnavailable, find, translate


def caught(call):
    with pytest.raises(BaseException) as info:  # noqa: PT011
        call()
    return info.value


def test_except_looks_at_the_outermost_error_only():
    """Neither `except` nor `isinstance` walks the chain.

    Did: raised QueueUnavailable from ConnectionRefusedError below an `except ConnectionError`.
    Saw: that clause did not catch it, though a ConnectionError is the cause.
    Otherwise: the clause would catch it, as errors.Is would find it in Go.
    """

    def guarded():
        try:
            translate()
        except ConnectionError:
            pytest.fail("except walked the chain")

    error = caught(guarded)
    assert type(error) is QueueUnavailable
    assert not isinstance(error, ConnectionError)


def test_walking_the_causes_finds_the_error_inside_with_its_fields():
    """Walking `__cause__` does what errors.As does.

    Did: looked through the chain for a ConnectionRefusedError, and for an error that is not in it.
    Saw: the very object with its errno 111; None for the other.
    Otherwise: the walk would end at the outermost error, or find what is not there.
    """
    error = caught(translate)
    inside = find(error, ConnectionRefusedError)
    assert inside is error.__cause__
    assert inside.errno == 111
    assert find(error, TimeoutError) is None


def test_error_raised_while_handling_has_a_context_and_no_cause():
    """Without `from`, Python keeps the earlier error as `__context__`: something else went wrong meanwhile.

    Did: raised a KeyError inside an `except ConnectionError` without `from`.
    Saw: no cause, the ConnectionError as context; the walk finds it.
    Otherwise: the earlier error would be gone, as it is in Go without %w.
    """

    def clumsy():
        try:
            raise ConnectionResetError("gone")
        except ConnectionError:
            {}["missing"]

    error = caught(clumsy)
    assert error.__cause__ is None
    assert find(error, ConnectionResetError) is error.__context__


def test_from_none_hides_the_earlier_error():
    """`from None` ends the chain there.

    Did: raised QueueUnavailable `from None` inside an `except ConnectionError`.
    Saw: the context object is still kept, but suppressed, and a walk that respects that finds nothing.
    Otherwise: the walk would report an error that the author declared to be irrelevant.
    """

    def hidden():
        try:
            raise ConnectionResetError("gone")
        except ConnectionError:
            raise QueueUnavailable("no detail") from None

    error = caught(hidden)
    assert isinstance(error.__context__, ConnectionResetError)
    assert error.__suppress_context__
    assert find(error, ConnectionError) is None


def test_except_star_takes_its_errors_out_of_nested_groups():
    """`except*` looks into groups, however nested, and hands on what it did not take.

    Did: raised a group that holds a TimeoutError in an inner group and a ValueError beside it.
    Saw: `except* TimeoutError` got exactly the TimeoutError, still nested; the ValueError was raised on, in a group.
    Otherwise: the ValueError would be swallowed, or a plain `except ValueError` around it would catch it.
    """
    taken = []

    def plain():
        try:
            star()
        except ValueError:
            pytest.fail("a plain except looked into the group")

    def star():
        try:
            raise ExceptionGroup("outer", [ExceptionGroup("inner", [TimeoutError("slow")]), ValueError("bad")])
        except* TimeoutError as group:
            taken.append(group)

    rest = caught(plain)
    assert [type(error) for error in rest.exceptions] == [ValueError]
    assert [type(error) for error in taken[0].exceptions[0].exceptions] == [TimeoutError]


def test_walk_does_not_look_into_groups_and_ends_on_cycles():
    """A chain is a line and a group is a tree: a walk along causes sees neither the members nor, twice, the same error.

    Did: walked from a group whose member is a TimeoutError, and along two errors that are each other's cause.
    Saw: None for the first, though the TimeoutError is in it; the second walk ended.
    Otherwise: it would find the member, or never end.
    """
    assert find(ExceptionGroup("all", [TimeoutError()]), TimeoutError) is None
    one, two = ValueError("one"), KeyError("two")
    one.__cause__, two.__cause__ = two, one
    assert find(one, KeyError) is two
    assert find(one, TimeoutError) is None
