"""The files that deploy the service agree with its settings, and the Kubernetes manifests with Kubernetes' schema."""

import json
import re
import subprocess
import sys

import pytest
import yaml

from jobqueue.config import Settings
from jobqueue.domain import defaults
from tests.jobqueue.containers.wheels import ROOT

DEPLOY = ROOT / "src" / "jobqueue" / "deploy"
LOCK = ROOT / "requirements-kubernetes.txt"
OLDEST, NEWEST = "1.29", "1.37"
"""Versions of Kubernetes whose schemas the manifests follow."""


def documents():
    """Return the Kubernetes manifests."""
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8")))


def pods():
    """Return {name: specification of its pods} of each Deployment."""
    return {
        found["metadata"]["name"]: found["spec"]["template"]["spec"]
        for found in documents()
        if found["kind"] == "Deployment"
    }


@pytest.mark.parametrize("name", ["kubernetes.yaml", "compose.yaml", "Containerfile"])
def test_every_setting_that_is_named_exists(name):
    named = set(re.findall(r"JOBQUEUE_[A-Z_]+", (DEPLOY / name).read_text("utf-8")))
    known = {f"JOBQUEUE_{field.upper()}" for field in Settings.__dataclass_fields__}
    assert named <= known, f"{name} names settings that don't exist: {sorted(named - known)}"


def test_kubernetes_waits_longer_than_the_grace():
    (config,) = [found["data"] for found in documents() if found["kind"] == "ConfigMap"]
    assert float(config["JOBQUEUE_GRACE_S"]) == defaults.GRACE_S
    for name, pod in pods().items():
        assert pod["terminationGracePeriodSeconds"] > defaults.GRACE_S, name


def test_pods_have_probes_resources_and_no_rights():
    assert set(pods()) == {"jobqueue-front", "jobqueue-worker"}
    for name, pod in pods().items():
        assert pod["securityContext"]["runAsNonRoot"], name
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"readinessProbe", "livenessProbe", "resources"} <= set(container), name
        assert "lifecycle" not in container, f"{name}: a preStop hook is not needed"


def test_each_deployment_has_a_disruption_budget_and_the_front_a_service():
    deployments = {found["metadata"]["name"]: found["spec"] for found in documents() if found["kind"] == "Deployment"}
    budgets = {
        found["metadata"]["name"]: found["spec"] for found in documents() if found["kind"] == "PodDisruptionBudget"
    }
    (service,) = [found["spec"] for found in documents() if found["kind"] == "Service"]
    assert {name: budget["selector"] for name, budget in budgets.items()} == {
        name: deployment["selector"] for name, deployment in deployments.items()
    }
    assert service["selector"] == deployments["jobqueue-front"]["selector"]["matchLabels"]


def test_compose_waits_longer_than_the_grace_and_gives_no_rights():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    for name in ("front", "worker"):
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > defaults.GRACE_S
        assert services[name]["read_only"], name
        assert services[name]["cap_drop"] == ["ALL"]


def test_the_clients_service_config_repeats_what_a_stopping_front_answers():
    """A front that stops answers UNAVAILABLE; a call that it had received and not yet begun ends as CANCELLED."""
    config = json.loads((DEPLOY / "client-service-config.json").read_text("utf-8"))
    (method,) = config["methodConfig"]
    assert method["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE", "CANCELLED"]
    assert method["name"] == [{"service": "jobqueue.v1.JobQueue"}]


@pytest.mark.long
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_the_manifests_follow_the_schema_of_kubernetes(version, tmp_path_factory):
    """An apply meets no field that Kubernetes doesn't know.

    Did: checked each manifest against the API's schema of the oldest and the newest version that we name, strictly.
    Saw: no complaint; a misspelt field is one.
    Otherwise: Kubernetes would refuse the manifests, or ignore a probe whose name is misspelt.
    """
    folder = ROOT / "build" / "kubernetes-validate"
    if not folder.is_dir():
        unfinished = tmp_path_factory.mktemp("kubernetes-validate")
        command = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--require-hashes"]
        subprocess.run([sys.executable, *command, "--target", unfinished, "-r", LOCK], check=True, capture_output=True)
        folder.parent.mkdir(exist_ok=True)
        unfinished.rename(folder)
    code = (
        "import json, sys; sys.path.append(sys.argv[1]); import kubernetes_validate as k\n"
        "for found in json.load(sys.stdin):\n"
        "  try: k.validate(found, sys.argv[2], strict=True)\n"
        "  except k.ValidationError as error: print(found['kind'], error.message)\n"
    )
    misspelt = documents()[-1]
    misspelt["spec"]["maxUnavailabel"] = misspelt["spec"].pop("maxUnavailable")
    done = subprocess.run(
        [sys.executable, "-c", code, folder, version],
        input=json.dumps([*documents(), misspelt]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.splitlines()) == 1, done.stdout
    assert "maxUnavailabel" in done.stdout
