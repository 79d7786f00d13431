"""The files for containers: what they copy is here, what they set is an option, what they promise is tried.

`scripts/try_container` builds the image and runs it; that takes minutes, so it is not part of these tests.
"""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from conftest import ROOT
from deploy.test_proxies import caddy
from support.examples import adapted
from support.servers import free_port, start_server, stop_server
from taina.config import OPTIONS

DEPLOY = ROOT / "scripts" / "deploy"
CONTAINERFILE = (DEPLOY / "Containerfile").read_text("utf-8")
COMPOSED = ["compose.yaml", "compose-postgres.yaml"]
VARIABLES = {one.variable: one for one in OPTIONS}
PASSWORD = "letters0and1digits"


def test_the_container_runs_as_a_user_of_its_own() -> None:
    lines = (DEPLOY / "Containerfile").read_text("utf-8")
    (user,) = re.findall(r"^USER (\d+):\d+$", lines, re.MULTILINE)
    (owner,) = re.findall(r"install -d -o (\d+)", lines)
    assert user == owner
    assert 1000 < int(user) < 60000, "neither root, nor a user of the system, nor nobody, whom others are, too"


def test_the_container_is_built_from_a_checkout_alone() -> None:
    """What it copies is in the repository, and comes from nowhere else but its own stages."""
    text = (DEPLOY / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for line in re.findall(r"^COPY (?!--from=)(.+)$", text, re.MULTILINE):
        *sources, _ = line.split()
        for source in sources:
            assert any(name == source or name.startswith(f"{source}/") for name in tracked), source
    assert set(re.findall(r"--from=(\S+)", text)) <= set(re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE))
    assert "HEALTHCHECK" in text


def test_docker_and_podman_leave_the_same_out() -> None:
    """Docker reads no .containerignore, podman reads either: what one copies, the other has to copy."""
    left_out = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert {".git", ".venv", "build", "**/node_modules"} <= set(left_out)
    assert not (ROOT / ".containerignore").exists()


def composed(name: str) -> dict[str, Any]:
    text = (DEPLOY / name).read_text("utf-8").replace("${POSTGRES_PASSWORD:?}", PASSWORD)
    assert "${" not in text
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def of_taina(name: str) -> list[dict[str, Any]]:
    return [service for service in composed(name)["services"].values() if "build" in service]


def kubernetes() -> dict[str, dict[str, Any]]:
    documents = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8"))
    return {document["kind"]: document["spec"] for document in documents}


def pod() -> dict[str, Any]:
    found: dict[str, Any] = kubernetes()["Deployment"]["template"]["spec"]
    return found


def environments() -> dict[str, dict[str, str]]:
    """What each file sets for Taina."""
    found = {"Containerfile": dict(re.findall(r"(TAINA_\w+)=(\S+)", CONTAINERFILE))}
    for name in COMPOSED:
        found |= {f"{name} {index}": one["environment"] for index, one in enumerate(of_taina(name))}
    (container,) = pod()["containers"]
    found["kubernetes.yaml"] = {one["name"]: one["value"] for one in container["env"]}
    return found


@pytest.mark.parametrize("place", environments())
def test_what_is_set_for_it_are_options_with_values_that_they_take(place: str) -> None:
    environment = environments()[place]
    assert environment
    for name, value in environment.items():
        assert name in VARIABLES, name
        VARIABLES[name].read(value)


@pytest.mark.parametrize("name", COMPOSED)
def test_what_is_composed_fits_together(name: str) -> None:
    whole = composed(name)
    ((_, network),) = whole["networks"].items()
    (subnet,) = [one["subnet"] for one in network["ipam"]["config"]]
    used = set()
    for service in whole["services"].values():
        assert set(service["networks"]) == set(whole["networks"])
        assert set(service.get("depends_on", {})) <= set(whole["services"])
        for waited in service.get("depends_on", {}):
            assert "healthcheck" in whole["services"][waited], f"{waited} never becomes healthy"
        for source, place, *options in (volume.split(":") for volume in service["volumes"]):
            if source.startswith("."):
                assert options == ["ro,z"], "where SELinux enforces, a file of the host is read only if it is labelled"
                assert (DEPLOY / source).is_file(), source
                assert place == "/etc/caddy/Caddyfile"
            else:
                used.add(source)
    assert used == set(whole["volumes"])
    for service in of_taina(name):
        assert service["environment"]["TAINA_TRUSTED_PROXY"] == subnet
        assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
        assert (ROOT / service["build"]["dockerfile"]).is_file()
        assert [volume.split(":")[1] for volume in service["volumes"]] == ["/data"]
        # As the Containerfile tells those who run it by themselves.
        assert (service["read_only"], service["tmpfs"], service["cap_drop"]) == (True, ["/tmp"], ["ALL"])
        assert service["security_opt"] == ["no-new-privileges"]
    for flag in ("--read-only", "--tmpfs /tmp", "--cap-drop all", "--security-opt no-new-privileges"):
        assert flag in CONTAINERFILE
    upstreams = whole["services"]["caddy"]["environment"]["UPSTREAMS"].split()
    assert upstreams == [f"{key}:8080" for key, service in whole["services"].items() if "build" in service]
    assert "EXPOSE 8080\n" in CONTAINERFILE


def test_several_have_a_database_whose_password_is_nowhere_in_the_file() -> None:
    whole = composed("compose-postgres.yaml")
    assert PASSWORD not in (DEPLOY / "compose-postgres.yaml").read_text("utf-8")
    database = whole["services"]["database"]["environment"]
    user, name = database["POSTGRES_USER"], database["POSTGRES_DB"]
    services = of_taina("compose-postgres.yaml")
    assert len(services) == 2
    for service in services:
        assert service["environment"]["TAINA_STORE"] == f"postgresql://{user}:{PASSWORD}@database/{name}"
    assert len({service["volumes"][0] for service in services}) == 2, "keys.db is each one's own"


def test_one_health_check_is_told_everywhere_and_tells_health(tmp_path: Path) -> None:
    (text,) = re.findall(r"^HEALTHCHECK .*\n    CMD (\[.*\])$", CONTAINERFILE, re.MULTILINE)
    command = json.loads(text)
    for name in COMPOSED:
        assert [one["healthcheck"]["test"] for one in of_taina(name)] == [["CMD", *command]] * len(of_taina(name))
    server = start_server(tmp_path)
    assert command[0] == "python"
    assert ":8080/" in command[-1]
    asked = [*command[:-1], adapted(command[-1], {":8080/": f":{server.port}/"})]
    # Whatever proxy the runtime hands on, as podman does: it has another 127.0.0.1.
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy"), "http://127.0.0.1:9")
    for environment in (os.environ, {"PATH": os.environ["PATH"], **proxies}):
        assert subprocess.run(asked, check=False, capture_output=True, env=environment).returncode == 0
    stop_server(server)
    assert subprocess.run(asked, check=False, capture_output=True).returncode != 0


def test_caddy_passes_over_one_that_does_not_answer(tmp_path: Path) -> None:
    server = start_server(tmp_path / "taina", "--trusted-proxy", "127.0.0.1")
    port, gone = free_port(), free_port()
    text = (DEPLOY / "Caddyfile").read_text("utf-8")
    text = adapted(text, {"secrets.example.org {": f"http://127.0.0.1:{port} {{"})
    with caddy(tmp_path, port, text, UPSTREAMS=f"127.0.0.1:{gone} 127.0.0.1:{server.port}"):
        answers = [httpx.get(f"http://127.0.0.1:{port}/api/v1/health").status_code for _ in range(20)]
    assert answers == [200] * 20
    stop_server(server)


def test_a_cluster_runs_it_as_the_image_is_made(tmp_path: Path) -> None:
    documents, spec = kubernetes(), pod()
    (container,) = spec["containers"]
    (user,) = re.findall(r"^USER (\d+):\d+$", CONTAINERFILE, re.MULTILINE)
    assert {spec["securityContext"][name] for name in ("runAsUser", "runAsGroup", "fsGroup")} == {int(user)}
    assert (documents["Deployment"]["replicas"], documents["Deployment"]["strategy"]) == (1, {"type": "Recreate"})
    assert spec["enableServiceLinks"] is False
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert set(mounts) == {environments()["Containerfile"]["TAINA_DATA"], "/tmp"}
    assert set(mounts.values()) == set(volumes)
    assert "emptyDir" in volumes[mounts["/tmp"]]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    (port,) = container["ports"]
    assert port["containerPort"] == 8080
    assert [one["targetPort"] for one in documents["Service"]["ports"]] == [port["name"]]
    server = start_server(tmp_path)
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        asked = container[probe]["httpGet"]
        assert asked["port"] == port["name"]
        assert httpx.get(f"http://127.0.0.1:{server.port}{asked['path']}").status_code == 200
    stop_server(server)
