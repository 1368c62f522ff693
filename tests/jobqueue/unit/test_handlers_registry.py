"""Registering handlers."""

import pytest

from jobqueue.application.handlers import Handlers
from jobqueue.domain import defaults
from jobqueue.domain.retry import RetryPolicy


def test_a_handler_is_registered_by_decoration_and_stays_a_function():
    handlers = Handlers()

    @handlers.handler("mail")
    def send(job):
        return job

    async def greet(job):
        return job

    handlers.handler("greet", timeout_s=2.0, policy=RetryPolicy(max_attempts=1))(greet)
    assert send("x") == "x"
    assert handlers.types() == ["greet", "mail"]
    assert (handlers.get("mail").is_async, handlers.get("mail").timeout_s) == (False, defaults.TIMEOUT_S)
    assert (handlers.get("greet").is_async, handlers.get("greet").timeout_s) == (True, 2.0)
    assert handlers.policy_for("greet").max_attempts == 1
    assert handlers.policy_for("unknown") is handlers.default_policy
    assert handlers.get("unknown") is None


def test_a_type_registered_twice_and_a_timeout_of_nothing_are_refused():
    handlers = Handlers()
    handlers.handler("mail")(print)
    with pytest.raises(ValueError, match="'mail' has a handler already"):
        handlers.handler("mail")
    with pytest.raises(ValueError, match="timeout_s of job type 'x' must be above 0, got 0"):
        handlers.handler("x", timeout_s=0)


def test_settings_reach_the_handlers_that_brought_no_numbers_of_their_own():
    """`JOBQUEUE_MAX_ATTEMPTS` and the like count for every handler that does not say otherwise.

    Did: registered one handler with a policy and a timeout and one without, and configured the registry.
    Saw: the first kept its own, the second and types without a handler got the settings'; a registry with a policy of
        its own kept that.
    Otherwise: settings that are documented would change nothing.
    """
    own, given, registry, chosen = RetryPolicy(2), RetryPolicy(7), Handlers(), Handlers(RetryPolicy(3))
    for each in (registry, chosen):
        each.handler("own", policy=own, timeout_s=2.0)(print)
        each.handler("plain")(print)
        each.configure(given, 9.0)
    assert (registry.get("own").policy, registry.get("own").timeout_s) == (own, 2.0)
    assert (registry.get("plain").policy, registry.get("plain").timeout_s) == (given, 9.0)
    assert registry.policy_for("unknown") == given
    assert chosen.get("plain").policy == chosen.policy_for("unknown") == RetryPolicy(3)
