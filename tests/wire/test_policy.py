"""What ecskit decides about retries and timeouts, and who may overrule it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiobotocore.config
import boto3
import botocore.config
import botocore.session
import pytest
from aiobotocore.session import AioSession

import ecskit
from ecskit import errors
from ecskit._core.effects import Send
from ecskit._version import __version__

from .model_server import Answer, ModelServer
from .support import REGION, Caller, settled

# The stubs know only some of the options.
Config: Any = botocore.config.Config
AioConfig: Any = aiobotocore.config.AioConfig

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def config_of(colour: str, **options: Any) -> Any:
    """Return the configuration of the client that is made."""
    ecs = Caller.open(colour, **{"region_name": REGION, "endpoint_url": "http://127.0.0.1:9", **options})
    config = (await ecs.botocore_client()).meta.config
    await ecs.close()
    return config


def retries(config: Any) -> tuple[Any, Any]:
    return config.retries.get("mode"), config.retries.get("total_max_attempts")


async def test_the_defaults(colour: str) -> None:
    """Standard retries with 3 attempts, 5 s to connect, 20 s to read."""
    config = await config_of(colour)
    assert (("standard", 3), 5, 20) == (retries(config), config.connect_timeout, config.read_timeout)


async def test_config_overrules_the_defaults(colour: str) -> None:
    """Each option by itself."""
    config = await config_of(colour, config=Config(read_timeout=60, retries={"total_max_attempts": 7}))
    assert (("standard", 7), 5, 60) == (retries(config), config.connect_timeout, config.read_timeout)
    config = await config_of(colour, config=Config(connect_timeout=1, retries={"mode": "adaptive"}))
    assert (("adaptive", 3), 1, 20) == (retries(config), config.connect_timeout, config.read_timeout)


async def test_max_attempts_counts_retries(colour: str) -> None:
    """botocore's older option, where 4 retries are 5 attempts."""
    assert ("standard", 5) == retries(await config_of(colour, config=Config(retries={"max_attempts": 4})))


async def test_config_with_botocores_own_defaults_is_config(colour: str) -> None:
    """A configured timeout of 60 s is kept, although 60 s is also botocore's default."""
    config = await config_of(colour, config=Config(connect_timeout=60, read_timeout=60))
    assert (60, 60) == (config.connect_timeout, config.read_timeout)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"AWS_MAX_ATTEMPTS": "9"}, ("standard", 9)),
        ({"AWS_RETRY_MODE": "adaptive"}, ("adaptive", 3)),
        ({"AWS_RETRY_MODE": "legacy", "AWS_MAX_ATTEMPTS": "2"}, ("legacy", 2)),
    ],
)
async def test_the_environment_overrules_the_defaults(
    colour: str, variables: dict[str, str], expected: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS_MAX_ATTEMPTS and AWS_RETRY_MODE, each by itself."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert expected == retries(await config_of(colour))


async def test_config_overrules_the_environment(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in botocore."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "9")
    monkeypatch.setenv("AWS_RETRY_MODE", "adaptive")
    config = await config_of(colour, config=Config(retries={"total_max_attempts": 2, "mode": "standard"}))
    assert ("standard", 2) == retries(config)


async def test_the_profile_overrules_the_defaults(colour: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the environment does; a profile's region holds too."""
    file = tmp_path / "config"
    file.write_text("[profile slow]\nmax_attempts = 8\nretry_mode = adaptive\nregion = sa-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    ecs = Caller.open(colour, profile_name="slow", endpoint_url="http://127.0.0.1:9")
    meta = (await ecs.botocore_client()).meta
    assert (("adaptive", 8), "sa-east-1") == (retries(meta.config), meta.region_name)
    await ecs.close()


@pytest.mark.parametrize(
    ("variables", "options", "expected"),
    [
        ({"AWS_DEFAULTS_MODE": "standard"}, {}, 3.1),
        ({"AWS_DEFAULTS_MODE": "standard"}, {"config": Config(read_timeout=7)}, 3.1),
        ({"AWS_DEFAULTS_MODE": "standard"}, {"config": Config(connect_timeout=2)}, 2),
        ({"AWS_DEFAULTS_MODE": "legacy"}, {}, 5),
        ({}, {"config": Config(defaults_mode="in-region")}, 1.1),
    ],
)
async def test_a_defaults_mode_overrules_the_defaults(
    colour: str, variables: dict[str, str], options: Any, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defaults mode of botocore keeps its own connect timeout; `legacy` is no such mode."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    config = await config_of(colour, **options)
    assert (expected, "standard") == (config.connect_timeout, config.retries["mode"])


async def test_the_sessions_default_configuration_counts(colour: str) -> None:
    """What a session was set up with overrules ecskit's defaults, and is overruled by `config`."""
    session: Any = botocore.session.Session() if colour == "sync" else AioSession()
    session.set_default_client_config(Config(read_timeout=33, user_agent_extra="mine/1", retries={"mode": "adaptive"}))
    config = await config_of(colour, session=session)
    assert (("adaptive", 3), 33, 5) == (retries(config), config.read_timeout, config.connect_timeout)
    assert "mine/1" in config.user_agent_extra
    assert 44 == (await config_of(colour, session=session, config=Config(read_timeout=44))).read_timeout
    assert 33 == session.get_default_client_config().read_timeout


async def test_the_user_agent_names_both(colour: str, server: ModelServer) -> None:
    """Who calls, and through what."""
    ecs = Caller.open(
        colour, region_name=REGION, endpoint_url=server.url, config=Config(user_agent_extra="deployer/2.1")
    )
    await ecs.call("list_clusters")
    await ecs.close()
    agent = server.last.headers["user-agent"]
    assert "deployer/2.1" in agent
    assert f"ecskit/{__version__}" in agent


async def test_the_app_id_survives(colour: str, server: ModelServer) -> None:
    """botocore's own way to identify the caller."""
    config = Config(user_agent_appid="deployer")
    ecs = Caller.open(colour, region_name=REGION, endpoint_url=server.url, config=config)
    await ecs.call("list_clusters")
    await ecs.close()
    assert "app/deployer" in server.last.headers["user-agent"]


async def test_an_aioconfig_stays_one() -> None:
    """With the options that only it has."""
    config = await config_of("async", config=AioConfig(connector_args={"keepalive_timeout": 7}, read_timeout=9))
    assert isinstance(config, AioConfig)
    assert {"keepalive_timeout": 7} == config.connector_args
    assert (9, 5, ("standard", 3)) == (config.read_timeout, config.connect_timeout, retries(config))


async def test_the_config_that_was_given_is_left_alone(colour: str) -> None:
    """ecskit merges, it does not write."""
    config = Config(retries={"mode": "standard"})
    await config_of(colour, config=config)
    assert ({"mode": "standard"}, None) == (config.retries, config.user_agent_extra)


async def test_with_options_varies_a_client(colour: str, server: ModelServer) -> None:
    """What is given is new, all else is as before; both clients live on."""
    first = Caller.open(
        colour, region_name=REGION, endpoint_url=server.url, config=Config(read_timeout=7, user_agent_extra="mine/1")
    )
    other = Caller(colour, first.client.with_options(region_name="eu-west-1", config=Config(connect_timeout=2)))
    assert type(first.client) is type(other.client)
    meta = (await other.botocore_client()).meta
    assert ("eu-west-1", server.url) == (meta.region_name, meta.endpoint_url)
    assert (7, 2) == (meta.config.read_timeout, meta.config.connect_timeout)
    assert "mine/1" in meta.config.user_agent_extra
    assert REGION == (await first.botocore_client()).meta.region_name
    await first.close()
    await other.call("list_clusters")
    await other.close()


async def test_with_options_keeps_the_session(colour: str, server: ModelServer) -> None:
    """Unless another one is given."""
    sessions = [boto3.Session("AKIDONE", "s", region_name=REGION), boto3.Session("AKIDTWO", "s", region_name=REGION)]
    first = Caller.open(colour, session=sessions[0], endpoint_url=server.url)
    for options, key in (({"region_name": "eu-west-1"}, "AKIDONE"), ({"session": sessions[1]}, "AKIDTWO")):
        other = Caller(colour, first.client.with_options(**options))
        await other.call("list_clusters")
        await other.close()
        assert f"Credential={key}/" in server.last.headers["authorization"]
    await first.close()


async def test_calls_are_retried_and_polls_are_not(ecs: Caller, server: ModelServer) -> None:
    """A wait backs off by itself, so its polls make one attempt."""
    transport = ecs.client._transport
    server.will(Answer.error("ServerException", status=500))
    with pytest.raises(errors.ServerException) as caught:
        await settled(transport.send(Send("DescribeTasks", {"tasks": ["t"]}, single_attempt=True), lambda: None))
    assert (1, 1) == (caught.value.attempts, len(server.seen))
    server.will(Answer.error("ServerException", status=500))
    raw = await settled(transport.send(Send("DescribeTasks", {"tasks": ["t"]}), lambda: None))
    assert (1, 3) == (raw.metadata["RetryAttempts"], len(server.seen))


async def test_polls_keep_the_clients_other_options(server: ModelServer, colour: str) -> None:
    """Timeouts and user agent are the same, whatever the retries."""
    config = Config(read_timeout=7, user_agent_extra="mine/1", retries={"max_attempts": 9, "mode": "legacy"})
    ecs = Caller.open(colour, region_name=REGION, endpoint_url=server.url, config=config)
    server.will(Answer.error("ServerException", status=500))
    with pytest.raises(errors.ServerException) as caught:
        await settled(
            ecs.client._transport.send(Send("DescribeTasks", {"tasks": ["t"]}, single_attempt=True), lambda: None)
        )
    assert 1 == caught.value.attempts
    assert "mine/1" in server.last.headers["user-agent"]
    await ecs.close()


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
async def test_polls_are_not_retried_in_any_mode(server: ModelServer, colour: str, mode: str) -> None:
    """Calls are, and so are those of the owner of a wrapped client, as before."""
    retries: Any = {"mode": mode, "total_max_attempts": 2}
    arguments: Any = {"region_name": REGION, "endpoint_url": server.url}
    aio = colour == "async"
    plain: Any
    if aio:
        config = aiobotocore.config.AioConfig(retries=retries)
        plain = await AioSession().create_client("ecs", config=config, **arguments).__aenter__()
    else:
        plain = boto3.client("ecs", config=Config(retries=retries), **arguments)
    wrapped = (ecskit.AsyncClient if aio else ecskit.Client).wrap(plain)
    failing = Answer.error("ServerException", status=500)
    server.will(failing)
    poll = Send("DescribeTasks", {"tasks": ["t"]}, single_attempt=True)
    with pytest.raises(errors.ServerException) as caught:
        await settled(wrapped._transport.send(poll, lambda: None))
    assert (1, 1) == (caught.value.attempts, len(server.seen))
    for retried in (plain.list_clusters, wrapped.list_clusters):
        server.will(failing)
        await settled(retried())
    assert 5 == len(server.seen)
    await settled(plain.close())
