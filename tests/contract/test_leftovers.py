"""Building the standing lab's images anew leaves none behind that nobody needs, and takes away no other."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound

from tests.plays import ROOT
from tests.plays.docker_engine import need_an_engine

FOLDER = ROOT / "docker"
NAME = f"ringfence-test-{os.getpid()}"
Build = Callable[[str], str]


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    need_an_engine()
    if shutil.which("docker") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no docker command: apt-get install docker.io")
    made = docker.from_env()
    yield made
    made.close()


@pytest.fixture
def build(client: docker.DockerClient, tmp_path: Path) -> Iterator[Build]:
    """Makes another image of a name of this test's, by way of the script, and returns its id."""
    made = set()
    tarfile.open(tmp_path / "empty.tar", "w").close()

    def build(name: str) -> str:
        command = ["docker", "import", str(tmp_path / "empty.tar"), name]
        ended = subprocess.run([FOLDER / "without-leftovers", name, "--", *command], capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
        made.add(ended.stdout.strip())
        return ended.stdout.strip()

    yield build
    for image in made:
        if exists(client, image):
            client.images.remove(image, force=True)


def exists(client: docker.DockerClient, image: str) -> bool:
    try:
        client.images.get(image)
    except ImageNotFound:
        return False
    return True


@pytest.mark.docker
def test_what_a_build_replaced_is_removed(client: docker.DockerClient, build: Build) -> None:
    bystander = build(f"{NAME}:other")
    first = build(f"{NAME}:latest")
    assert exists(client, first)
    second = build(f"{NAME}:latest")
    assert not exists(client, first)
    assert exists(client, second)
    assert exists(client, bystander)


@pytest.mark.docker
def test_what_has_another_name_or_a_container_is_kept(client: docker.DockerClient, build: Build) -> None:
    named, used = build(f"{NAME}:named"), build(f"{NAME}:used")
    client.images.get(named).tag(NAME, "kept")
    container = client.containers.create(used, ["nothing"])
    try:
        assert build(f"{NAME}:named") != named
        assert build(f"{NAME}:used") != used
        assert client.images.get(named).tags == [f"{NAME}:kept"]
        assert exists(client, used)
    finally:
        container.remove()


@pytest.mark.docker
def test_a_build_that_fails_is_told_and_takes_nothing_away(client: docker.DockerClient, build: Build) -> None:
    image = build(f"{NAME}:latest")
    ended = subprocess.run([FOLDER / "without-leftovers", f"{NAME}:latest", "--", "sh", "-c", "exit 7"])
    assert ended.returncode == 7
    assert exists(client, image)


@pytest.mark.parametrize(
    ("arguments", "tidies"),
    [(["up", "-d", "--build"], True), (["build", "proxy"], True), (["logs", "-f", "proxy"], False), (["down"], False)],
)
def test_the_lab_tidies_up_where_it_builds(arguments: list[str], tidies: bool, tmp_path: Path) -> None:
    """Against commands of the same names that only write down what they are asked."""
    for name in ("docker", "docker-compose"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$@" >> "$SAID"\n[ "$1" = images ] && echo sha256:old\n')
        (tmp_path / name).chmod(0o755)
    said = tmp_path / "said"
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SAID": str(said)}
    subprocess.run([FOLDER / "lab", *arguments], env=environment, check=False)
    asked = said.read_text().splitlines()
    assert f"docker-compose -f {FOLDER}/compose.yaml {' '.join(arguments)}" in asked
    images = ("ringfence-proxy:latest", "ringfence-softswitch:standing", "ringfence-prometheus:standing")
    listed = " ".join(("docker images --quiet --no-trunc", *(f"--filter reference={image}" for image in images)))
    assert (listed in asked) == tidies
