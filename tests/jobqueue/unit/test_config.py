"""Settings: what the environment may say, and how it is told that it may not."""

from dataclasses import fields

import pytest

from jobqueue.config import Settings, from_environment, is_loopback, variable
from jobqueue.domain import defaults
from jobqueue.domain.errors import InvalidSettings


def test_all_bad_settings_are_reported_at_once():
    environ = {
        "JOBQUEUE_CONCURRENCY": "many",
        "JOBQUEUE_LEASE_S": "0.1",
        "JOBQUEUE_CAP_S": "nan",
        "JOBQUEUE_TLS_CERT": "/nowhere.pem",
        "JOBQUEUE_FOO": "1",
    }
    with pytest.raises(InvalidSettings) as caught:
        from_environment(environ)
    said = str(caught.value)
    for name in environ:
        assert name in said, f"{name} is not mentioned in:\n{said}"


KUBERNETES = {
    "JOBQUEUE_SERVICE_HOST": "10.96.0.11",
    "JOBQUEUE_SERVICE_PORT": "50051",
    "JOBQUEUE_SERVICE_PORT_GRPC": "50051",
    "JOBQUEUE_PORT": "tcp://10.96.0.11:50051",
    "JOBQUEUE_PORT_50051_TCP": "tcp://10.96.0.11:50051",
    "JOBQUEUE_PORT_50051_TCP_PROTO": "tcp",
    "JOBQUEUE_PORT_50051_TCP_PORT": "50051",
    "JOBQUEUE_PORT_50051_TCP_ADDR": "10.96.0.11",
    # A second Service of the namespace, named jobqueue-metrics, with an IPv6 address.
    "JOBQUEUE_METRICS_SERVICE_HOST": "fd00:10:96::c",
    "JOBQUEUE_METRICS_SERVICE_PORT": "9464",
    "JOBQUEUE_METRICS_PORT": "tcp://[fd00:10:96::c]:9464",
    "JOBQUEUE_METRICS_PORT_9464_TCP": "tcp://[fd00:10:96::c]:9464",
    "JOBQUEUE_METRICS_PORT_9464_TCP_PROTO": "tcp",
    "JOBQUEUE_METRICS_PORT_9464_TCP_PORT": "9464",
    "JOBQUEUE_METRICS_PORT_9464_TCP_ADDR": "fd00:10:96::c",
}
"""What Kubernetes sets in every container beside Services of the names jobqueue and jobqueue-metrics."""


def test_what_kubernetes_sets_for_a_service_of_our_name_is_no_setting_and_no_mistake():
    assert from_environment({**KUBERNETES, "JOBQUEUE_QUEUES": "mail"}) == Settings(queues=("mail",))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JOBQUEUE_PORT", "50051"),
        ("JOBQUEUE_LISTEN_PORT", "50051"),
        ("JOBQUEUE_SERVICE_PORT", "fifty"),
        ("JOBQUEUE_PORT_50051_TCP_ADDR", ""),
        ("JOBQUEUE_PORTS_50051_TCP_PORT", "50051"),
        ("JOBQUEUE_LEASE", "30"),
    ],
)
def test_a_mistyped_setting_is_refused_also_beside_the_variables_of_kubernetes(name, value):
    with pytest.raises(InvalidSettings) as caught:
        from_environment({**KUBERNETES, name: value})
    assert caught.value.problems == (f"{name} is not a setting; `jobqueue settings` lists the names",)


def test_a_port_without_the_address_of_its_service_is_refused():
    with pytest.raises(InvalidSettings, match="JOBQUEUE_SERVICE_PORT is not a setting"):
        from_environment({"JOBQUEUE_SERVICE_PORT": "50051"})


def test_numbers_lists_and_words_are_read():
    settings = from_environment(
        {"JOBQUEUE_QUEUES": "mail, bulk", "JOBQUEUE_CLUSTER": "yes", "JOBQUEUE_CAP_S": "5", "OTHER": "x"}
    )
    assert (settings.queues, settings.cluster, settings.cap_s) == (("mail", "bulk"), True, 5.0)


def test_an_override_wins_over_the_environment_and_none_does_not():
    environ = {"JOBQUEUE_LISTEN": "127.0.0.1:1"}
    assert from_environment(environ, listen="127.0.0.1:2").listen == "127.0.0.1:2"
    assert from_environment(environ, listen=None).listen == "127.0.0.1:1"


def test_the_defaults_are_those_of_the_domain():
    settings = Settings()
    assert settings.retry_policy.max_attempts == defaults.MAX_ATTEMPTS
    assert settings.lease_s == defaults.LEASE_S


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("unix:/x", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("example.org:1", False),
    ],
)
def test_loopback_is_recognised(address, loopback):
    assert is_loopback(address) is loopback


def test_every_setting_has_a_help_text_and_a_variable():
    for item in fields(Settings):
        assert item.metadata["help"]
        assert variable(item.name).isupper()
