"""Settings from the environment. Every name, bound and help text of the service's settings is defined here.

The operator page's table is generated from `FIELDS`, and each default number comes from `domain.defaults`.
"""

import ipaddress
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from jobqueue.domain import defaults
from jobqueue.domain.errors import InvalidSettings
from jobqueue.domain.retry import RetryPolicy

PREFIX = "JOBQUEUE_"


def _setting(default: Any, help_text: str, check: Callable[[Any], str | None] | None = None) -> Any:
    return field(default=default, metadata={"help": help_text, "check": check})


def _at_least(low: float) -> Callable[[Any], str | None]:
    return lambda value: None if value >= low else f"must be at least {low:g}"


def _above(low: float) -> Callable[[Any], str | None]:
    return lambda value: None if value > low else f"must be above {low:g}"


def _one_of(*words: str) -> Callable[[Any], str | None]:
    return lambda value: None if value in words else f"must be one of {', '.join(words)}"


def _file(value: str) -> str | None:
    return None if not value or Path(value).is_file() else "must name a file that can be read"


def _url(value: str) -> str | None:
    schemes = ("redis://", "rediss://", "unix://")
    return None if not value or value.startswith(schemes) else f"must begin with {', '.join(schemes)}"


# --8<-- [start:settings]
@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of the service, checked together; durations in seconds, sizes in bytes."""

    redis_url: str = _setting(
        "", "Redis or Valkey to use, `redis://…`, `rediss://…` or `unix://…`; empty starts an embedded Valkey", _url
    )
    cluster: bool = _setting(default=False, help_text="The address is a node of a Cluster")
    data_dir: str = _setting("jobqueue-data", "Folder of the embedded Valkey's append-only file")
    listen: str = _setting("127.0.0.1:50051", "Address of the gRPC front, `host:port` or `unix:/path`")
    token: str = _setting("", "Bearer token that every call must carry; may be empty only on loopback")
    tls_cert: str = _setting("", "PEM file of the server's certificate chain; may be empty only on loopback", _file)
    tls_key: str = _setting("", "PEM file of the certificate's private key", _file)
    tls_client_ca: str = _setting(
        "", "PEM file of the CA that must have signed a client's certificate: mutual TLS", _file
    )
    metrics_listen: str = _setting(
        "127.0.0.1:9464", "Address of the queue page, `/metrics` and `/healthz`; empty for none"
    )
    handlers: str = _setting("jobqueue.entrypoints.sample_handlers", "Module whose import registers the handlers")
    queues: tuple[str, ...] = _setting(("default",), "Queues that a worker takes turns to serve, separated by commas")
    concurrency: int = _setting(defaults.CONCURRENCY, "Jobs that a worker runs at the same time", _at_least(1))
    prefetch: int = _setting(
        defaults.PREFETCH, "How many jobs a worker may hold beyond those that it runs", _at_least(0)
    )
    lease_s: float = _setting(
        defaults.LEASE_S, "How long a worker may be silent before other workers get its jobs", _at_least(1)
    )
    timeout_s: float = _setting(defaults.TIMEOUT_S, "How long one attempt may take", _above(0))
    grace_s: float = _setting(
        defaults.GRACE_S,
        "From SIGTERM to the end of the process: four fifths for calls and jobs in flight, the rest to settle them",
        _at_least(1),
    )
    max_attempts: int = _setting(
        defaults.MAX_ATTEMPTS, "Attempts that must fail before a job is dead; 1 means no retry", _at_least(1)
    )
    survive_s: float = _setting(
        defaults.SURVIVE_S,
        "How long a job may keep failing before errors bury it: the longest outage that jobs survive",
        _at_least(0),
    )
    base_s: float = _setting(defaults.BASE_S, "Ceiling of the delay before the second attempt", _above(0))
    cap_s: float = _setting(defaults.CAP_S, "Largest ceiling of a delay", _above(0))
    budget_ratio: float = _setting(
        defaults.BUDGET_RATIO, "Retries that one success of the same type pays for", _at_least(0)
    )
    probe_every_s: float = _setting(
        defaults.PROBE_EVERY_S, "When no retry of a type has run for this long, one runs unpaid", _above(0)
    )
    payload_limit: int = _setting(defaults.PAYLOAD_LIMIT, "Largest payload, bytes of JSON", _at_least(2))
    message_limit: int = _setting(16 * 1024 * 1024, "Largest gRPC message, in bytes", _at_least(1024))
    done_for_s: float = _setting(defaults.DONE_FOR_S, "How long a done job can be looked up", _at_least(0))
    done_max: int = _setting(defaults.DONE_MAX, "How many done jobs each queue keeps", _at_least(0))
    dead_for_s: float = _setting(defaults.DEAD_FOR_S, "How long a dead job is kept", _above(0))
    dead_max: int = _setting(
        defaults.DEAD_MAX, "How many dead jobs each queue keeps; the oldest go first", _at_least(1)
    )
    key_for_s: float = _setting(defaults.KEY_FOR_S, "How long an idempotency key is remembered", _above(0))
    log_level: str = _setting("info", "debug, info, warning or error", _one_of("debug", "info", "warning", "error"))
    log_format: str = _setting(
        "json", "json, or console, which is easier for people to read", _one_of("json", "console")
    )
    traces: str = _setting(
        "none",
        "none, console or otlp (set OTEL_EXPORTER_OTLP_ENDPOINT too); needs the extra `otlp`",
        _one_of("none", "console", "otlp"),
    )
    # --8<-- [end:settings]

    def __post_init__(self) -> None:
        """Check all settings, and raise one error that names every problem."""
        problems = [
            f"{variable(item.name)} {complaint}, got {getattr(self, item.name)!r}"
            for item in fields(self)
            if (check := item.metadata["check"]) and (complaint := check(getattr(self, item.name)))
        ]
        problems += self._problems_between()
        if problems:
            raise InvalidSettings(problems)

    def _problems_between(self) -> list[str]:
        problems = []
        if self.cap_s < self.base_s:
            problems.append(
                f"{variable('cap_s')} must be at least {variable('base_s')} = {self.base_s:g}, got {self.cap_s:g}"
            )
        if bool(self.tls_cert) != bool(self.tls_key):
            problems.append(f"{variable('tls_cert')} and {variable('tls_key')} go together; one of them is empty")
        if self.tls_client_ca and not self.tls_cert:
            problems.append(f"{variable('tls_client_ca')} needs {variable('tls_cert')}: mutual TLS is TLS first")
        if not self.queues or not all(self.queues):
            problems.append(f"{variable('queues')} must name at least one queue, got {','.join(self.queues)!r}")
        if not is_loopback(self.listen):
            missing = [variable(name) for name in ("tls_cert", "token") if not getattr(self, name)]
            if missing:
                problems.append(
                    f"{variable('listen')} = {self.listen!r} can be reached from other machines, which needs "
                    f"{' and '.join(missing)}; or listen on 127.0.0.1"
                )
        return problems

    @property
    def retry_policy(self) -> RetryPolicy:
        """The policy of handlers that are registered without one."""
        return RetryPolicy(self.max_attempts, self.base_s, self.cap_s, self.survive_s)


FIELDS = {item.name: item for item in fields(Settings)}


def variable(name: str) -> str:
    """Return the environment variable of a field."""
    return PREFIX + name.upper()


def from_environment(environ: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """Read the settings; an override that isn't None replaces the value of the environment.

    Raises:
        InvalidSettings: There are unknown `JOBQUEUE_` names, or values of the wrong type or out of bounds. The error
            lists all of them.
    """
    problems = [
        f"{name} is not a setting; `jobqueue settings` lists the names"
        for name in sorted(environ)
        if name.startswith(PREFIX)
        and name.removeprefix(PREFIX).lower() not in FIELDS
        and not _describes_a_kubernetes_service(name, environ)
    ]
    values: dict[str, Any] = {}
    for name, item in FIELDS.items():
        raw = environ.get(variable(name))
        if overrides.get(name) is not None:
            values[name] = overrides[name]
        elif raw is not None:
            try:
                values[name] = _parse(raw, item.default)
            except ValueError:
                kind = {int: "a whole number", float: "a number", bool: "true or false"}[type(item.default)]
                problems.append(f"{variable(name)} must be {kind}, got {raw!r}")
    try:
        settings = Settings(**values)
    except InvalidSettings as error:
        raise InvalidSettings([*problems, *error.problems]) from None
    if problems:
        raise InvalidSettings(problems)
    return settings


_KUBERNETES_NAME = re.compile(
    r"(?P<service>[A-Z0-9_]+?)_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    r"|PORT|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_PROTO|_PORT|_ADDR)?)"
)
_PROTOCOLS = ("tcp", "udp", "sctp")


def _describes_a_kubernetes_service(name: str, environ: Mapping[str, str]) -> bool:
    """Say whether Kubernetes set this variable, as it does in every container for each Service of the namespace.

    If a Service is called `jobqueue`, the container gets `JOBQUEUE_SERVICE_HOST`, `JOBQUEUE_PORT` and others, which
    are not settings. The name alone doesn't prove that. The Service's address must be there too, and the value must fit
    the name, so that a mistyped setting is still refused.
    """
    match = _KUBERNETES_NAME.fullmatch(name)
    if match is None or not _is_address(environ.get(f"{match['service']}_SERVICE_HOST", "")):
        return False
    value, kind = environ[name], name.removeprefix(match["service"])
    if kind.endswith(("_HOST", "_ADDR")):
        return _is_address(value)
    if kind.endswith("_PROTO"):
        return value in _PROTOCOLS
    if kind == "_PORT" or kind.endswith(("_TCP", "_UDP", "_SCTP")):
        return value.startswith(tuple(f"{protocol}://" for protocol in _PROTOCOLS))
    return value.isdecimal()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _parse(raw: str, default: Any) -> Any:
    if isinstance(default, bool):
        words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}
        if raw.lower() not in words:
            raise ValueError(raw)
        return words[raw.lower()]
    if isinstance(default, int):
        return int(raw)
    if isinstance(default, float):
        number = float(raw)
        if not math.isfinite(number):
            raise ValueError(raw)
        return number
    if isinstance(default, tuple):
        return tuple(part.strip() for part in raw.split(","))
    return raw


def is_loopback(address: str) -> bool:
    """Say whether an address can be reached from this machine alone."""
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback
