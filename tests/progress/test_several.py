"""Several deployments of the simulator in one picture, or in lines with their labels."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest

import ecskit
from ecskit.errors import DeploymentRolledBack, DeploymentsFailed
from ecskit.models import (
    AwsVpcConfiguration,
    ContainerDefinition,
    CreateServiceRequest,
    DeploymentCircuitBreaker,
    DeploymentConfiguration,
    NetworkConfiguration,
)
from ecskit.progress.screen import Screen
from ecskit.services import DeploymentEnded, DeploymentEvent
from ecskit.testing import Simulator, TaskScript

NAMES = ("web", "api", "worker")
BREAKER = DeploymentConfiguration(deployment_circuit_breaker=DeploymentCircuitBreaker(enable=True, rollback=True))


@pytest.fixture
def ecs() -> Iterator[ecskit.Client]:
    """A client of a simulator with three services."""
    simulator = Simulator()
    simulator.script("bad", TaskScript.fails_to_start("no\r\n::set-output name=x::y \x1b[31mred"))
    with simulator.client() as ecs:
        for family in ("app", "bad"):
            ecs.register_task_definition(
                family=family,
                cpu="256",
                memory="512",
                network_mode="awsvpc",
                requires_compatibilities=["FARGATE"],
                container_definitions=[ContainerDefinition(name="app", image="repo/app:1")],
            )
        for number, name in enumerate(NAMES):
            ecs.services.create(
                CreateServiceRequest(
                    service_name=name,
                    task_definition="app",
                    desired_count=number + 1,
                    launch_type="FARGATE",
                    network_configuration=NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["s"])),
                    deployment_configuration=BREAKER,
                )
            )
        yield ecs


def watching(ecs: ecskit.Client, bad: Sequence[str] = ("api",)) -> ecskit.Stream[DeploymentEvent]:
    """Deploy all services, some of them badly."""
    family = {name: "bad" if name in bad else "app" for name in NAMES}
    started = [ecs.services.start_deployment(name, task_definition=family[name], force=True) for name in NAMES]
    return ecs.services.watch(started, timeout=900)


def run(show: ecskit.progress.Show, events: ecskit.Stream[DeploymentEvent]) -> None:
    """Show all events. One deployment fails."""
    with pytest.raises(DeploymentsFailed), events, show:
        for event in events:
            show(event)


def test_lines_have_labels(ecs: ecskit.Client) -> None:
    """Each line of a deployment begins with its service; its last one is its verdict, and the others go on."""
    stream = io.StringIO()
    show = ecskit.progress.plain(stream, times="elapsed", now=lambda: 0.0)
    with pytest.raises(DeploymentsFailed), watching(ecs) as events, show:
        show.say("three at once")
        for event in events:
            show(event)
    first, *lines = stream.getvalue().splitlines()
    assert first == "    0.0 s  three at once"
    found = [re.fullmatch(r" *([\d.]+) s  (web   |api   |worker) \| (.+)", line) for line in lines]
    times, labels, texts = zip(*[each.groups() for each in found if each], strict=True)
    assert (len(lines), list(times)) == (len(texts), sorted(times, key=float))
    last = {label.strip(): text for label, text in zip(labels, texts, strict=True)}
    assert re.fullmatch(r"DEPLOYED app:1 after \d+ s: 1 of 1 tasks running", last["web"])
    assert re.fullmatch(r"DEPLOYED app:1 after \d+ s: 3 of 3 tasks running", last["worker"])
    assert re.fullmatch(r"ROLLED BACK to app:1 after \d+ s: .*: no ::set-output name=x::y \[31mred", last["api"])
    assert [1, 1, 1] == [sum(text == each for text in texts) for each in last.values()]
    assert texts.index(last["web"]) < texts.index(last["api"])
    for name in NAMES:
        own = [text for label, text in zip(labels, texts, strict=True) if label.strip() == name]
        assert re.fullmatch(rf"deployment \d+ of default/{name} \(\w+:1\)", own[0])
        assert {"PENDING", "IN_PROGRESS"} < set(own)
    assert "\x1b" not in stream.getvalue()


def test_a_job_of_github(ecs: ecskit.Client) -> None:
    """All lines are in one group, and below it each deployment has an annotation with its service."""
    stream = io.StringIO()
    run(ecskit.progress.github(stream), watching(ecs))
    lines = stream.getvalue().splitlines()
    commands = [line for line in lines if line.startswith("::")]
    assert commands[:2] == ["::group::3 deployments: web, api, worker", "::endgroup::"] == [lines[0], lines[-4]]
    assert lines[-3:] == commands[2:]
    titles = ["notice title=web%3A DEPLOYED", "error title=api%3A ROLLED BACK", "notice title=worker%3A DEPLOYED"]
    assert titles == [command.split("::")[1] for command in commands[2:]]
    assert re.fullmatch(r"::notice .*::web: DEPLOYED app:1 after \d+ s: 1 of 1 tasks running", commands[2])
    assert any(re.fullmatch(r"\d\d:\d\d:\d\dZ  web    \| DEPLOYED .*", line) for line in lines)


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def frame(stream: io.StringIO) -> list[str]:
    """Return the lines of the last picture, without styles and movements of the cursor."""
    text = re.split(r"\x1b\[2K(?:\x1b\[1A\x1b\[2K)*", stream.getvalue())[-1]
    return [line.strip() for line in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", text).splitlines() if line.strip()]


def test_one_picture(ecs: ecskit.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each service has a section from the first event on, in the order given, and its verdict once it has ended."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    stream, pictures = Terminal(), dict[str, list[str]]()
    show = Screen(stream, lambda: 0.0)
    with pytest.raises(DeploymentsFailed), watching(ecs) as events, show:
        for event in events:
            show(event)
            pictures.setdefault("first", frame(stream))
            if isinstance(event, DeploymentEnded):
                pictures.setdefault("ended", frame(stream))
    assert re.fullmatch(r"web  deployment \d+ of default/web \(app:1\)  PENDING  0 s", pictures["first"][0])
    assert pictures["first"][-2:] == ["api  waiting for the first poll  0 s", "worker  waiting for the first poll  0 s"]
    sections = [line.split("  ")[0] for line in pictures["ended"] if line.split("  ")[0] in NAMES]
    assert tuple(sections) == NAMES
    assert 1 == sum("DEPLOYED" in line for line in pictures["ended"])
    [web, api, worker] = frame(stream)
    assert re.fullmatch(r"web  DEPLOYED app:1 after \d+ s: 1 of 1 tasks running", web)
    assert re.fullmatch(r"api  ROLLED BACK to app:1 after \d+ s: .*", api)
    assert re.fullmatch(r"worker  DEPLOYED app:1 after \d+ s: 3 of 3 tasks running", worker)
    assert stream.getvalue().count("\x1b[?25l") == stream.getvalue().count("\x1b[?25h") == 1


@pytest.mark.parametrize("how", ["plain", "github", "live"])
def test_ctrl_c(ecs: ecskit.Client, how: str) -> None:
    """Those that have not ended are shown as interrupted, each with its last status; the other one as it ended."""
    stream = io.StringIO()
    renderers: dict[str, Any] = {name: getattr(ecskit.progress, name) for name in ("plain", "github", "live")}
    with pytest.raises(KeyboardInterrupt), watching(ecs) as events, renderers[how](stream) as show:
        for event in events:
            show(event)
            if isinstance(event, DeploymentEnded):
                raise KeyboardInterrupt
    last = [
        re.sub(r"^.*\b(web|api|worker)\W+(DEPLOYED|INT)", r"\1 \2", line) for line in stream.getvalue().splitlines()
    ]
    shown = "\n".join(last[-3:])
    assert re.search(r"DEPLOYED app:1 after \d+ s", stream.getvalue())
    assert re.search(r"^api INTERRUPTED after \d+ s: the last status was IN_PROGRESS", shown, re.MULTILINE)
    assert 2 <= shown.count("INTERRUPTED")


def test_threads_share_a_renderer(ecs: ecskit.Client) -> None:
    """Each follows a deployment of its own, and labels its events. No line is torn or lost."""
    stream = io.StringIO()

    def deploy(name: str) -> None:
        with ecs.services.start_deployment(name, force=True).events(timeout=900) as events:
            for event in events:
                show(attrs.evolve(event, label=name))

    with ecskit.progress.plain(stream) as show, ThreadPoolExecutor() as threads:
        list(threads.map(deploy, NAMES))
    lines = stream.getvalue().splitlines()
    assert all(re.fullmatch(r"\d\d:\d\d:\d\dZ  (web|api|worker) *\| \S.*", line) for line in lines)
    assert {f"{name} DEPLOYED" for name in NAMES} == {
        re.sub(r"^.*Z  (\w+) *\| (\w+) .*", r"\1 \2", line) for line in lines[-3:]
    }


def test_an_error_is_shown_for_its_own_deployment_only(ecs: ecskit.Client) -> None:
    """Where each is followed by itself, an error that leaves the block says nothing about the others."""
    stream = io.StringIO()
    with pytest.raises(DeploymentRolledBack), ecskit.progress.plain(stream) as show:
        for name, family in (("web", "app"), ("worker", "app"), ("api", "bad")):
            deployment = ecs.services.start_deployment(name, task_definition=family, force=True)
            with deployment.events(timeout=900) as events:
                for event in events:
                    show(attrs.evolve(event, label=name))
    verdicts = [line[9:].split(" after")[0].split() for line in stream.getvalue().splitlines()[-3:]]
    assert [
        ["web", "|", "DEPLOYED", "app:1"],
        ["worker", "|", "DEPLOYED", "app:1"],
        ["api", "|", "ROLLED", "BACK", "to", "app:1"],
    ] == [[word for word in words if word] for words in verdicts]


def test_a_renderer_is_used_again(ecs: ecskit.Client) -> None:
    """Each block has verdicts of its own."""
    stream = io.StringIO()
    show = ecskit.progress.github(stream)
    for _ in range(2):
        with ecs.services.start_deployment("web", force=True).events() as events, show:
            for event in events:
                show(event)
    commands = [line.split("::")[1].split(" ")[0] for line in stream.getvalue().splitlines() if line.startswith("::")]
    assert ["group", "endgroup", "notice"] * 2 == commands
