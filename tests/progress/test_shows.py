"""Deployments of the simulator, shown: lines for logs, pictures for terminals, both without waiting."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import attrs
import pytest

import ecskit
from ecskit.errors import (
    DeploymentRolledBack,
    DeploymentSuperseded,
    DeploymentUnstable,
    EcsError,
    MissingExtraError,
    RequestError,
    WaitTimeout,
)
from ecskit.models import (
    AwsVpcConfiguration,
    ContainerDefinition,
    CreateServiceRequest,
    DeploymentCircuitBreaker,
    DeploymentConfiguration,
    DeploymentLifecycleHook,
    NetworkConfiguration,
)
from ecskit.progress.github import GitHub
from ecskit.progress.lines import Lines
from ecskit.progress.screen import Screen
from ecskit.services import DeploymentEvent
from ecskit.testing import Fault, Simulator, TaskScript

BREAKER = DeploymentConfiguration(deployment_circuit_breaker=DeploymentCircuitBreaker(enable=True, rollback=True))
NO_BREAKER = DeploymentConfiguration(deployment_circuit_breaker=DeploymentCircuitBreaker(enable=False, rollback=False))
PAUSED = DeploymentConfiguration(
    strategy="BLUE_GREEN",
    lifecycle_hooks=[DeploymentLifecycleHook(target_type="PAUSE", lifecycle_stages=["POST_SCALE_UP"])],
)


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


class Counted(io.StringIO):
    """A stream that counts what was written since it was flushed."""

    unflushed = 0

    def write(self, text: str) -> int:
        self.unflushed += 1
        return super().write(text)

    def flush(self) -> None:
        self.unflushed = 0


@attrs.frozen
class Shop:
    simulator: Simulator
    ecs: ecskit.Client

    @property
    def now(self) -> Callable[[], float]:
        return self.ecs._runtime.clock.now

    def plain(self, stream: Any, **arguments: Any) -> ecskit.progress.Show:
        return ecskit.progress.plain(stream, times="elapsed", now=self.now, **arguments)

    def events(self, *, timeout: float = 900, **change: Any) -> ecskit.Stream[DeploymentEvent]:
        return self.ecs.services.start_deployment("web", **change).events(timeout=timeout)

    def crash(self, **follow_options: Any) -> ecskit.Stream[DeploymentEvent]:
        """Deploy tasks that exit five seconds after they run, and have them stay up for a minute."""
        return self.ecs.services.start_deployment("web", task_definition="crash").events(
            stable_for=60, **follow_options
        )


@pytest.fixture
def shop() -> Iterator[Shop]:
    simulator = Simulator()
    simulator.script("bad", TaskScript.fails_to_pull("manifest unknown"))
    simulator.script("crash", TaskScript.exits(1, after=5))
    with simulator.client() as ecs:
        for family in ("web", "bad", "crash"):
            ecs.register_task_definition(
                family=family,
                cpu="256",
                memory="512",
                network_mode="awsvpc",
                requires_compatibilities=["FARGATE"],
                container_definitions=[ContainerDefinition(name="app", image="repo/app:1")],
            )
        ecs.services.create(
            CreateServiceRequest(
                service_name="web",
                task_definition="web",
                desired_count=3,
                launch_type="FARGATE",
                network_configuration=NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["s"])),
                deployment_configuration=BREAKER,
            )
        )
        yield Shop(simulator, ecs)


def run(show: ecskit.progress.Show, events: ecskit.Stream[DeploymentEvent]) -> EcsError | None:
    """Show all events, and return the error that ended them."""
    try:
        with events, show:
            for event in events:
                show(event)
    except EcsError as error:
        return error
    return None


def reported(stream: io.StringIO) -> list[str]:
    """Return the lines without their times."""
    return [line.lstrip().split("  ", 1)[-1] for line in stream.getvalue().splitlines()]


def test_a_deployment_in_lines(shop: Shop) -> None:
    """Each change has a line of its own, none comes twice, and the last one is the verdict."""
    stream = Counted()
    assert run(shop.plain(stream), shop.events(images={"app": "repo/app:2"})) is None
    lines = reported(stream)
    assert re.fullmatch(r"deployment \d+ of default/web \(web:2\)", lines[0])
    assert {"PENDING", "has started 3 tasks", "IN_PROGRESS", "deployment completed.", "SUCCESSFUL"} < set(lines)
    assert re.fullmatch(r"DEPLOYED web:2 after \d+ s: 3 of 3 tasks running", lines[-1])
    assert [] == [line for line in lines if lines.count(line) > 1]
    assert stream.getvalue().isascii()
    assert "\x1b" not in stream.getvalue()
    assert 0 == stream.unflushed


def test_lines_begin_with_the_seconds_since_the_beginning(shop: Shop) -> None:
    """They never go back."""
    stream = io.StringIO()
    run(shop.plain(stream), shop.events(force=True))
    seconds = [float(line[:7]) for line in stream.getvalue().splitlines()]
    assert seconds == sorted(seconds)
    assert (True, True) == (seconds[0] < 1, seconds[-1] > 10)


def test_lines_begin_with_the_time_in_utc(shop: Shop) -> None:
    """Unless asked otherwise."""
    stream = io.StringIO()
    run(ecskit.progress.plain(stream), shop.events(force=True))
    assert [] == [line for line in stream.getvalue().splitlines() if not re.match(r"\d\d:\d\d:\d\dZ  \S", line)]


def test_times_are_those_of_the_simulator(shop: Shop) -> None:
    """On a virtual clock, lines, events and the verdict show its time, which passes at once."""
    stream, times = io.StringIO(), list[float]()
    began = shop.now()
    handle = shop.ecs.services.start_deployment("web", images={"app": "repo/app:2"})
    # The clock of the machine stands still, so that a slow test run shows the same.
    with handle.events() as events, ecskit.progress.plain(stream, times="elapsed", now=lambda: 5.0) as show:
        for event in events:
            show(event)
            times.append(event.elapsed)
    took = shop.now() - began
    lines = re.sub(r"\d{10,}", "ID", stream.getvalue()).splitlines()
    assert [re.sub(r"\.\d s  ", " s  ", line) for line in lines] == [
        "    0 s  deployment ID of default/web (web:2)",
        "    0 s  PENDING",
        "    0 s  web:2 0/3 running; web:1 3 running",
        "    4 s  has started 3 tasks",
        "    4 s  IN_PROGRESS",
        "    4 s  web:2 0/3 running, 3 pending; web:1 3 running",
        "   22 s  has stopped 3 running tasks",
        "   22 s  deployment completed.",
        "   22 s  SUCCESSFUL",
        "   22 s  web:2 3/3 running; web:1 3 running",
        "   22 s  DEPLOYED web:2 after 22 s: 3 of 3 tasks running",
    ]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(took)


def test_times_in_utc_are_those_of_the_simulator(shop: Shop) -> None:
    """They begin with the time of day, and go on with the virtual time."""
    stream = io.StringIO()
    run(ecskit.progress.plain(stream), shop.events(images={"app": "repo/app:2"}))
    first, *_, last = [datetime.strptime(f"{line[:8]}+0000", "%H:%M:%S%z") for line in stream.getvalue().splitlines()]
    assert (last - first).seconds > 20


@pytest.mark.parametrize("before", [True, False], ids=["stream first", "block first"])
def test_a_slow_reader_shows_its_own_time(before: bool, shop: Shop) -> None:  # noqa: FBT001  # a case
    """Where the clock of the renderer is ahead of the events, as with a slow loop, it counts."""
    time, stream = [0.0], io.StringIO()
    with shop.events(force=True) as events:
        first = next(events) if before else None
        with ecskit.progress.plain(stream, times="elapsed", now=lambda: time[0]) as show:
            time[0] = 1000.0
            show(first or next(events))
    assert stream.getvalue().startswith(" 1000.0 s  deployment ")


def test_a_timeout_shows_the_time_of_the_simulator(shop: Shop) -> None:
    """Although no event comes with the end of the wait."""
    stream = io.StringIO()
    run(ecskit.progress.plain(stream), shop.events(images={"app": "repo/app:2"}, timeout=8))
    assert reported(stream)[-1].startswith("TIMED OUT after 8 s: ")


def test_why_tasks_stop_is_shown_once(shop: Shop) -> None:
    """However many tasks stop for that reason: the counts and the verdict show the number."""
    stream = io.StringIO()
    error = run(shop.plain(stream), shop.events(task_definition="bad"))
    lines = reported(stream)
    assert isinstance(error, DeploymentRolledBack)
    assert 1 == len([line for line in lines if line.startswith("task ")])
    assert lines[-1].startswith("ROLLED BACK to web:1 after ")
    assert lines[-1].endswith("tasks failed to start: CannotPullContainerError: manifest unknown")


def test_another_deployment_is_followed(shop: Shop) -> None:
    """A line says so, and the verdict is about that one."""
    stream = io.StringIO()
    handle = shop.ecs.services.start_deployment("web", images={"app": "repo/app:2"})
    shop.ecs.services.start_deployment("web", images={"app": "repo/app:3"})
    assert run(shop.plain(stream), handle.events(on_superseded="follow")) is None
    lines = reported(stream)
    assert 1 == len([line for line in lines if "was superseded; following deployment" in line])
    assert lines[-1].startswith("DEPLOYED web:3 after ")


def test_another_deployment_takes_its_place(shop: Shop) -> None:
    """The verdict names it once."""
    stream = io.StringIO()
    handle = shop.ecs.services.start_deployment("web", images={"app": "repo/app:2"})
    shop.ecs.services.start_deployment("web", images={"app": "repo/app:3"})
    error = run(shop.plain(stream), handle.events())
    assert isinstance(error, DeploymentSuperseded)
    assert lines_of(error, stream) == 1


def lines_of(error: DeploymentSuperseded, stream: io.StringIO) -> int:
    """Return how often the last line names the newer deployment."""
    return reported(stream)[-1].count(str(error.by))


def test_time_is_up(shop: Shop) -> None:
    """The verdict says how the deployment stands."""
    stream = io.StringIO()
    error = run(shop.plain(stream), shop.events(images={"app": "repo/app:2"}, timeout=8))
    assert isinstance(error, WaitTimeout)
    assert "TIMED OUT after 8 s: is IN_PROGRESS, 0 of 3 tasks running, 3 pending" == reported(stream)[-1]


def test_nothing_was_changed(shop: Shop) -> None:
    """Then the verdict says so; nothing is called deployed."""
    stream = io.StringIO()
    assert run(shop.plain(stream), shop.events(images={"app": "repo/app:1"})) is None
    assert re.fullmatch(r"UNCHANGED web:1 after \d+ s: nothing was changed, 3 of 3 tasks running", reported(stream)[-1])


def test_tasks_that_stay_up(shop: Shop) -> None:
    """One line says for how long they have to; that they do so has no line of its own."""
    stream = io.StringIO()
    handle = shop.ecs.services.start_deployment("web", images={"app": "repo/app:2"})
    assert run(shop.plain(stream), handle.events(stable_for=120)) is None
    lines = reported(stream)
    quiet = [line for line in lines if "quiet for" in line]
    assert ["checking that tasks stay up: quiet for 0 of 120 s"] == quiet
    assert lines.index("SUCCESSFUL") == lines.index(quiet[0]) - 1
    assert lines[-1].startswith("DEPLOYED web:2 after 2:")


def test_tasks_that_do_not_stay_up(shop: Shop) -> None:
    """Each stop has a line that says how many there were; the verdict says what the tasks stopped for."""
    stream = io.StringIO()
    shop.simulator.script("crash", [TaskScript.exits(1, after=after) for after in (5, 15, 25)])
    error = run(shop.plain(stream), shop.crash())
    lines = reported(stream)
    stops = [int(found[1]) for line in lines if (found := re.search(r"60 s, (\d+) tasks? stopped since", line))]
    assert isinstance(error, DeploymentUnstable)
    assert (True, sorted(set(stops))) == (len(stops) > 0, stops)
    assert re.match(r"UNSTABLE after \d+ s: SUCCESSFUL, but \d tasks stopped within \d+ s: ", lines[-1])
    assert "container app exited with 1 (" in lines[-1]


def test_a_rollback_that_was_begun_here(shop: Shop) -> None:
    """A line says what is rolled back to what, and the deployment that does so is named before its lines."""
    stream = io.StringIO()
    error = run(shop.plain(stream), shop.crash(on_failure="rollback"))
    lines = reported(stream)
    [begun] = [index for index, line in enumerate(lines) if line.startswith("rolling back ")]
    assert isinstance(error, DeploymentRolledBack)
    assert re.match(r"rolling back deployment \d+ of default/web \(crash:1\) to web:1: SUCCESSFUL, but ", lines[begun])
    assert re.fullmatch(r"deployment \d+ of default/web \(web:1\)", lines[begun + 1])
    assert {"IN_PROGRESS", "SUCCESSFUL"} < set(lines[begun:])
    assert lines[-1].startswith("ROLLED BACK to web:1 after ")


def test_stability_that_is_not_known(shop: Shop) -> None:
    """A line says so once."""
    stream = io.StringIO()
    shop.simulator.fail("ListTasks", Fault.access_denied(), times=None)
    handle = shop.ecs.services.start_deployment("web", images={"app": "repo/app:2"})
    assert run(shop.plain(stream), handle.events(stable_for=60)) is None
    assert 1 == reported(stream).count("it is unknown whether tasks stay up: reading tasks is refused")


def commands(stream: io.StringIO) -> list[str]:
    """Return the lines that the runner of GitHub Actions takes for commands."""
    return [line for line in stream.getvalue().splitlines() if line.lstrip().startswith("::") or "##[" in line]


def test_a_deployment_in_a_job_of_github(shop: Shop) -> None:
    """Its lines are in a group, which is named after it, and the verdict is a notice below."""
    stream = Counted()
    assert run(ecskit.progress.github(stream, now=shop.now), shop.events(images={"app": "repo/app:2"})) is None
    group, ended, verdict = commands(stream)
    lines = stream.getvalue().splitlines()
    assert re.fullmatch(r"::group::deployment \d+ of default/web \(web:2\)", group)
    assert [group, "::endgroup::", verdict] == [lines[0], *lines[-2:]]
    assert "::endgroup::" == ended
    assert re.fullmatch(r"::notice title=DEPLOYED::DEPLOYED web:2 after \d+ s: 3 of 3 tasks running", verdict)
    assert {"IN_PROGRESS", "SUCCESSFUL"} < set(reported(stream))
    assert 0 == stream.unflushed


@pytest.mark.parametrize(
    ("change", "follow_options", "title"),
    [
        ({"task_definition": "bad"}, {}, "ROLLED BACK"),
        ({"task_definition": "crash"}, {"stable_for": 60}, "UNSTABLE"),
        ({"images": {"app": "repo/app:2"}}, {"timeout": 5}, "TIMED OUT"),
        ({"task_definition": "bad", "deployment_configuration": NO_BREAKER}, {}, "STALLED"),
    ],
)
def test_what_ends_badly_in_a_job_of_github(
    shop: Shop, change: dict[str, Any], follow_options: dict[str, Any], title: str
) -> None:
    """It is an error, below the group."""
    stream = io.StringIO()
    handle = shop.ecs.services.start_deployment("web", **change)
    error = run(ecskit.progress.github(stream, now=shop.now), handle.events(**follow_options))
    assert isinstance(error, EcsError)
    assert ["::group", "::endgroup", "::error title"] == [re.split("::d|::$|=", line)[0] for line in commands(stream)]
    assert commands(stream)[-1].startswith(f"::error title={title}::{title} ")


@pytest.mark.parametrize(
    ("on_superseded", "title"), [("raise", "error title=SUPERSEDED"), ("follow", "notice title=DEPLOYED")]
)
def test_another_deployment_takes_its_place_in_a_job_of_github(shop: Shop, on_superseded: Any, title: str) -> None:
    """That is an error, too; if it is followed instead, one group has the lines of both."""
    stream = io.StringIO()
    handle = shop.ecs.services.start_deployment("web", force=True)
    shop.ecs.services.start_deployment("web", force=True)
    run(ecskit.progress.github(stream, now=shop.now), handle.events(on_superseded=on_superseded))
    assert ["group", "endgroup", title] == [line.split("::")[1] for line in commands(stream)]


def test_an_error_before_any_event_in_a_job_of_github() -> None:
    """It is an error without a group."""
    stream = io.StringIO()
    with pytest.raises(ValueError, match="100"), ecskit.progress.github(stream, now=lambda: 0.0):
        raise ValueError("100%: not, so\r\n::set-output name=x::y")
    expected = "::error title=ValueError::ValueError after 0 s: 100%25: not, so ::set-output name=x::y\n"
    assert expected == stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "::set-output name=x::y",
        "one\n::set-output name=x::y",
        "one\r::set-output name=x::y\r\n::endgroup::",
        "one ##[add-mask]web",
        "##\n[add-mask]web",
    ],
)
def test_what_is_quoted_is_no_command(shop: Shop, text: str) -> None:
    """Neither in lines, nor in warnings, nor in what ECS gives as a reason."""
    stream = io.StringIO()
    shop.simulator.script("bad", TaskScript.fails_to_start(text))
    with ecskit.progress.github(stream, now=shop.now) as show:
        show.say(text)
        show.warn(text)
    run(ecskit.progress.github(stream, now=shop.now), shop.events(task_definition="bad"))
    names = [re.split(r"[: ]", line.removeprefix("::"))[0] for line in commands(stream)]
    assert ["warning", "notice", "group", "endgroup", "error"] == names
    assert "web" in stream.getvalue() or "set-output" in stream.getvalue()


def test_a_warning_of_several_lines_in_a_job_of_github() -> None:
    """It is one command, which the runner unfolds."""
    stream = io.StringIO()
    with ecskit.progress.github(stream) as show:
        show.warn("50%\r\nof them")
    assert "::warning::50%25%0D%0Aof them" == stream.getvalue().splitlines()[0]


def test_a_stream_that_takes_ascii_only(shop: Shop) -> None:
    """It gets question marks; the deployment is not ended by it."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, "ascii")
    shop.plain(stream).say("caf\u00e9\nwith two lines")
    assert raw.getvalue().endswith(b"  caf? with two lines\n")
    stream.close()


@pytest.mark.parametrize("style", ["plain", "github", "live"])
def test_text_of_others_cannot_draw(style: str) -> None:
    """Neither colours nor marks that reorder the line pass, in texts of callers too."""
    stream = io.StringIO()
    with getattr(ecskit.progress, style)(stream) as show:
        show.say("rolled back: \x1b[31mred\u202eder")
        show.warn("because of \u2066that")
    assert r"rolled back: \x1b[31mred\u202eder" in stream.getvalue()
    assert r"because of \u2066that" in stream.getvalue()


def test_what_is_said_in_between(shop: Shop) -> None:
    """It is a line, or stands above the picture."""
    stream = io.StringIO()
    for show in (shop.plain(stream), ecskit.progress.live(stream, now=shop.now)):
        with show:
            show.say("[bold]hello[/bold]")
    assert 2 == stream.getvalue().count("[bold]hello[/bold]")


async def test_async_events_are_shown_alike() -> None:
    """The renderer is the same; only the loop differs."""
    simulator, stream = Simulator(), io.StringIO()
    async with simulator.async_client() as ecs:
        await ecs.register_task_definition(
            family="web", container_definitions=[ContainerDefinition(name="app", image="i", memory=64)]
        )
        request = CreateServiceRequest(service_name="web", task_definition="web", desired_count=0)
        await ecs.services.create(request)
        handle = await ecs.services.start_deployment("web", images={"app": "i:2"})
        async with handle.events() as events:
            with ecskit.progress.plain(stream) as show:
                async for event in events:
                    show(event)
                    await asyncio.sleep(0)
    assert reported(stream)[-1].startswith("DEPLOYED web:2 after 0 s")


def frame(stream: io.StringIO) -> list[str]:
    """Return the last picture, without control sequences."""
    last = stream.getvalue().rsplit("\x1b[2K", 1)[-1]
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", last).splitlines()]


def test_a_deployment_in_pictures(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last picture stays: name, status, a bar for each revision, what the service said, and the verdict."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    assert run(ecskit.progress.live(stream, now=shop.now), shop.events(images={"app": "repo/app:2"})) is None
    lines = frame(stream)
    assert re.match(r"deployment \d+ of default/web \(web:2\)  SUCCESSFUL  \d+ s", lines[0])
    assert any(re.search(r"\u2501 web:2 3/3 running", line) for line in lines)
    assert "deployment completed." in lines
    assert re.fullmatch(r"DEPLOYED web:2 after \d+ s: 3 of 3 tasks running", lines[-1])


def test_the_picture_of_a_pause(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stage and hook are shown while it waits."""
    monkeypatch.setenv("COLUMNS", "160")
    stream = io.StringIO()
    handle = shop.ecs.services.start_deployment("web", force=True, deployment_configuration=PAUSED)
    run(ecskit.progress.live(stream, now=shop.now), handle.events(until="paused"))
    [hook] = handle.status().paused
    assert re.search(r"4 of 11: stage POST_SCALE_UP, 0% of production traffic", stream.getvalue())
    assert f"paused at POST_SCALE_UP by hook {hook.hook_id} until " in stream.getvalue()


def test_the_picture_of_tasks_that_stop(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reason is there, with how many tasks it stopped."""
    monkeypatch.setenv("COLUMNS", "160")
    stream = io.StringIO()
    run(ecskit.progress.live(stream, now=shop.now), shop.events(task_definition="bad"))
    assert re.search(
        r"^\d+ tasks failed to start: CannotPullContainerError: manifest unknown$", stream.getvalue(), re.MULTILINE
    )
    assert "ROLLED BACK to web:1" in stream.getvalue()


def test_the_picture_of_a_rollback(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what is rolled back, and why; the tasks that stopped before are no part of it."""
    monkeypatch.setenv("COLUMNS", "160")
    stream = io.StringIO()
    error = run(ecskit.progress.live(stream, now=shop.now), shop.crash(on_failure="rollback"))
    picture = stream.getvalue()
    assert isinstance(error, DeploymentRolledBack)
    assert re.search(r"^rolling back deployment \d+ of default/web \(crash:1\) to web:1: ", picture, re.MULTILINE)
    assert [] == re.findall(r"^\d+ tasks? stopped", picture, re.MULTILINE)
    assert "ROLLED BACK to web:1" in picture


def test_the_picture_of_tasks_that_are_to_stay_up(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows for how long they have, also between events; not any more when the verdict is there."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("TERM", "xterm")
    stream, seen = Terminal(), list[str]()
    show = Screen(stream, shop.now)
    handle = shop.ecs.services.start_deployment("web", images={"app": "repo/app:2"})
    with handle.events(stable_for=120) as events, show:
        for event in events:
            show(event)
            if event.progress.stability == "watching" and not seen:
                shop.simulator.clock.advance(40)
                show._live.refresh()  # as its thread does four times a second
                seen.append(stream.getvalue())
    assert "checking that tasks stay up: quiet for 40 of 120 s" in seen[0]
    assert "UNSTABLE" not in stream.getvalue()
    assert [] == [line for line in frame(stream) if "quiet for" in line]


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, ValueError])
def test_the_terminal_is_given_back(shop: Shop, monkeypatch: pytest.MonkeyPatch, raised: type[BaseException]) -> None:
    """The cursor is shown again, and standard output is what it was, whatever is raised."""
    monkeypatch.setenv("TERM", "xterm")
    stream, out = Terminal(), sys.stdout
    with pytest.raises(raised), ecskit.progress.live(stream) as show, shop.events(force=True) as events:
        show(next(events))
        raise raised
    assert stream.getvalue().rfind("\x1b[?25h") > stream.getvalue().rfind("\x1b[?25l") > -1
    assert sys.stdout is out
    assert "INTERRUPTED" in stream.getvalue() or "ValueError" in stream.getvalue()


@pytest.mark.parametrize(
    ("stream", "environment", "expected"),
    [
        (Terminal(), {"TERM": "xterm"}, Screen),
        (Terminal(), {"TERM": "xterm", "CI": "false"}, Screen),
        (Terminal(), {"TERM": "xterm", "CI": "true"}, Lines),
        (Terminal(), {"TERM": "xterm", "GITHUB_ACTIONS": "true"}, GitHub),
        (io.StringIO(), {"TERM": "dumb", "CI": "true", "GITHUB_ACTIONS": "true"}, GitHub),
        (io.StringIO(), {"TERM": "xterm", "GITHUB_ACTIONS": "false"}, Lines),
        (Terminal(), {"TERM": "dumb"}, Lines),
        (io.StringIO(), {"TERM": "xterm"}, Lines),
    ],
)
def test_what_counts_as_a_terminal(
    monkeypatch: pytest.MonkeyPatch, stream: Any, environment: dict[str, str], expected: type
) -> None:
    """What says so, unless TERM or CI speak against it; a job of GitHub Actions has a form of its own."""
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert expected is type(ecskit.progress.auto(stream))


def test_without_rich(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """`live` names what to install; `auto` makes do with lines, and says so."""
    for name in [name for name in sys.modules if name.split(".")[0] == "rich" or name == "ecskit.progress.screen"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("ecskit.progress.screen", raising=False)
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'ecskit[progress]'")):
        ecskit.progress.live()
    with caplog.at_level(logging.WARNING, "ecskit"):
        assert Lines is type(ecskit.progress.auto(Terminal()))
    assert ["pip install 'ecskit[progress]'" in record.getMessage() for record in caplog.records] == [True]


def test_times_that_are_not_known() -> None:
    """They are refused before anything is shown."""
    with pytest.raises(RequestError, match="times: expected utc or elapsed, got 'local'"):
        ecskit.progress.plain(times="local")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # that is the point


def test_rich_loads_on_use() -> None:
    """Neither `import ecskit`, nor services, nor plain lines load it; the renderers load when they are asked for."""
    code = """
import sys, ecskit, ecskit.services
assert not [name for name in sys.modules if name.startswith("ecskit.progress")]
ecskit.progress.plain()
assert "rich" not in sys.modules
ecskit.progress.live()
assert "rich" in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, env=os.environ
    )
    assert (0, "") == (done.returncode, done.stderr)
