"""The Kubernetes manifests: valid against the schemas, complete, and without privileges."""

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from core.version import VERSION
from data.config import ROOT, describe, env_name
from tests.installed import needs
from tests.stops import longest_stop_s

FOLDER = ROOT / "deploy" / "kubernetes"
SETS = ["single", "fleet"]
#: Pods in which backups are restored while the workloads are gone.
SHELLS = ["single-shell", "fleet-shell"]
#: The oldest release that is supported, and the newest whose schemas the validator has.
RELEASES = ["1.30", "1.37"]


def kustomization(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / name / "kustomization.yaml").read_text())
    return loaded


def resources(name: str) -> Iterator[dict[str, Any]]:
    for file in kustomization(name)["resources"]:
        yield from yaml.safe_load_all((FOLDER / name / file).read_text())


def workloads(name: str) -> list[dict[str, Any]]:
    return [each for each in resources(name) if "template" in each["spec"]]


WORKLOADS = [each for name in SETS for each in workloads(name)]
EACH_WORKLOAD = pytest.mark.parametrize(
    "workload", WORKLOADS, ids=lambda each: each["metadata"]["name"]
)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", [*SETS, *SHELLS])
def test_every_resource_is_valid(name: str, release: str):
    found = list(resources(name))
    assert found
    for resource in found:
        kubernetes_validate.validate(resource, release, strict=True)


def test_a_misspelt_field_is_found():
    resource = WORKLOADS[0]
    wrong = {**resource, "spec": {**resource["spec"], "replica": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, RELEASES[-1], strict=True)


@pytest.mark.parametrize("name", [*SETS, *SHELLS])
def test_every_file_is_in_its_kustomization(name: str):
    files = {path.name for path in (FOLDER / name).iterdir()}
    assert files == {"kustomization.yaml", *kustomization(name)["resources"]}


@pytest.mark.parametrize("name", SETS)
def test_the_images_have_the_tag_of_this_version(name: str):
    images = {image["name"]: image["newTag"] for image in kustomization(name)["images"]}
    used = {
        container["image"]
        for each in workloads(name)
        for container in each["spec"]["template"]["spec"]["containers"]
    }
    assert images == dict.fromkeys(used, VERSION)


@needs("kubectl", "kubernetes-client", "that kustomize can render the manifests")
@pytest.mark.parametrize("name", [*SETS, *SHELLS])
def test_kustomize_renders_them(name: str):
    done = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER / name)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rendered = list(yaml.safe_load_all(done.stdout))
    assert {each["metadata"]["namespace"] for each in rendered} == {"clipferry"}
    assert len(rendered) == len(list(resources(name)))
    assert f":{VERSION}\n" in done.stdout


def test_the_fleet_has_every_role_and_the_single_process_has_none():
    roles = {
        each["spec"]["template"]["spec"]["containers"][0]["name"] for each in workloads("fleet")
    }
    assert roles == {"receiver", "scheduler", "worker"}
    for each in workloads("fleet"):
        assert variables(each)["RUN_ROLES"] == each["metadata"]["labels"][COMPONENT]
    (single,) = workloads("single")
    assert "RUN_ROLES" not in variables(single)
    # Two pods at a time would be two processes with one database file.
    assert (single["kind"], single["spec"]["replicas"]) == ("StatefulSet", 1)


COMPONENT = "app.kubernetes.io/component"


def variables(workload: dict[str, Any]) -> dict[str, str]:
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    return {variable["name"]: variable["value"] for variable in container["env"]}


# --- the shells -----------------------------------------------------------------------------------


def shell(name: str) -> dict[str, Any]:
    (pod,) = resources(name)
    assert pod["kind"] == "Pod"
    return pod


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_keeps_to_the_restricted_standard_and_has_the_bots_settings(name: str):
    (workload, *_) = workloads(name.removesuffix("-shell"))
    bot = workload["spec"]["template"]["spec"]
    pod = shell(name)["spec"]
    for key in ("runAsNonRoot", "runAsUser", "runAsGroup", "fsGroup", "seccompProfile"):
        assert pod["securityContext"][key] == bot["securityContext"][key]
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        for key in ("securityContext", "envFrom"):
            assert container[key] == bot["containers"][0][key]
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert mounts == {"var": "/app/var", "tmp": "/tmp"}
        assert container["command"] == ["sleep", "infinity"]
    assert {volume["name"] for volume in pod["volumes"]} == {"var", "tmp"}
    images = {image["name"]: image["newTag"] for image in kustomization(name)["images"]}
    assert images == {bot["containers"][0]["image"]: VERSION}
    assert pod["containers"][0]["image"] in images


def test_the_shell_of_the_single_process_has_its_volume():
    (single,) = workloads("single")
    (template,) = single["spec"]["volumeClaimTemplates"]
    volume = {each["name"]: each for each in shell("single-shell")["spec"]["volumes"]}["var"]
    # Source: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-storage
    claim = f"{template['metadata']['name']}-{single['metadata']['name']}-0"
    assert volume["persistentVolumeClaim"] == {"claimName": claim}


def test_the_service_of_the_bot_does_not_find_the_shell():
    (selector,) = (
        each["spec"]["selector"] for each in resources("single") if each["kind"] == "Service"
    )
    labels = shell("single-shell")["metadata"]["labels"]
    assert not selector.items() <= labels.items()


def test_the_fleets_shell_has_the_tools_of_the_server_in_compose():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    (_, tools) = shell("fleet-shell")["spec"]["containers"]
    assert tools["image"] == compose["services"]["postgres"]["image"]


def test_the_commands_for_restoring_name_what_is_there():
    """The commands of docs/operating/database.md against the manifests."""
    page = (ROOT / "docs" / "operating" / "database.md").read_text()
    section = page.partition("## On Kubernetes")[2].partition("\n## ")[0].replace("\\\n", "")
    applied = set(re.findall(r"kubectl apply -k deploy/kubernetes/([\w-]+)", section))
    assert applied == {"single-shell", "fleet-shell", "fleet"}
    deleted = re.findall(r"kubectl delete -k deploy/kubernetes/([\w-]+)", section)
    assert set(deleted) == set(SHELLS)
    names = {each["metadata"]["name"] for name in SETS for each in workloads(name)}
    scaled = re.findall(r"scale (?:statefulset|deployment) ([\w -]+?) --replicas", section)
    assert {name for names_ in scaled for name in names_.split()} == names
    containers = {each["name"] for each in shell("fleet-shell")["spec"]["containers"]}
    assert set(re.findall(r"-c (\w+)", section)) == containers
    pods = set(re.findall(r"(?:exec|pod/)\s?(clipferry-[\w-]+)", section))
    assert pods == {"clipferry-0", shell("single-shell")["metadata"]["name"]}
    # The fleet's pods have names that nobody knows; they are waited for by their labels.
    (label, waited_for) = re.findall(r"-l '([\w./]+) in \(([\w, ]+)\)'", section)[0]
    fleet = [each["spec"]["template"]["metadata"]["labels"] for each in workloads("fleet")]
    assert set(waited_for.split(", ")) == {labels[label] for labels in fleet}


@EACH_WORKLOAD
def test_every_variable_is_a_setting(workload: dict[str, Any]):
    assert variables(workload).keys() <= {env_name(section, key) for section, key, *_ in describe()}


@EACH_WORKLOAD
def test_the_selector_finds_the_pods_and_no_others(workload: dict[str, Any]):
    spec = workload["spec"]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    assert len({str(each["spec"]["selector"]) for each in WORKLOADS}) == len(WORKLOADS)


@EACH_WORKLOAD
def test_only_declared_volumes_are_mounted_and_only_they_can_be_written(workload: dict[str, Any]):
    spec = workload["spec"]
    pod = spec["template"]["spec"]
    declared = [
        *pod["volumes"],
        *(each["metadata"] for each in spec.get("volumeClaimTemplates", ())),
    ]
    (container,) = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts == {"var": "/app/var", "tmp": "/tmp"}
    assert {volume["name"] for volume in declared} == mounts.keys()
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


@EACH_WORKLOAD
def test_the_pods_keep_to_the_restricted_standard(workload: dict[str, Any]):
    """Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/"""
    pod = workload["spec"]["template"]["spec"]
    context = pod["securityContext"]
    assert context["runAsNonRoot"] is True
    assert f"USER {context['runAsUser']}\n" in (ROOT / "Dockerfile").read_text()
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@EACH_WORKLOAD
def test_a_stop_waits_for_the_requests_that_run(workload: dict[str, Any]):
    pod = workload["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > longest_stop_s()
    (container,) = pod["containers"]
    ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    assert ports["metrics"] == variables(workload)["WATCH_PORT"]
