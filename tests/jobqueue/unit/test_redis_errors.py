"""What redis-py raises, in our terms."""

import pytest
import redis.exceptions as theirs

from jobqueue.adapters.redis_errors import translated
from jobqueue.domain.errors import StoreFull, StoreRefused, StoreUnavailable
from jobqueue.domain.retry import is_transient


@pytest.mark.parametrize(
    ("error", "ours", "transient"),
    [
        (theirs.ConnectionError("refused"), StoreUnavailable, True),
        (theirs.BusyLoadingError("loading"), StoreUnavailable, True),
        (theirs.TimeoutError("slow"), StoreUnavailable, True),
        (theirs.ReadOnlyError("replica"), StoreUnavailable, True),
        (theirs.ClusterDownError("down"), StoreUnavailable, True),
        (ConnectionResetError("reset"), StoreUnavailable, True),
        (TimeoutError("slow"), StoreUnavailable, True),
        (theirs.OutOfMemoryError("maxmemory"), StoreFull, True),
        (theirs.ResponseError("MISCONF errors writing to disk"), StoreFull, True),
        (theirs.AuthenticationError("WRONGPASS"), StoreRefused, False),
        (theirs.NoPermissionError("NOPERM"), StoreRefused, False),
        (theirs.ResponseError("WRONGTYPE"), StoreRefused, False),
    ],
)
def test_an_error_of_theirs_leaves_as_ours_with_the_original_as_cause(error, ours, transient):
    """Each error of redis-py leaves the adapter as one of three kinds, by what the caller can do about it.

    Did: raised twelve errors of redis-py and of Python through the service's translation.
    Saw: unavailable, full or refused, as listed, with the original as the cause; the first two count as transient.
    Otherwise: an error of redis-py would reach the core, or a wrong password would be retried.
    """
    with pytest.raises(ours) as caught, translated:
        raise error
    assert caught.value.__cause__ is error
    assert is_transient(caught.value) is transient


def test_what_is_none_of_theirs_passes():
    with pytest.raises(KeyError), translated:
        raise KeyError("x")
    with translated:
        pass
