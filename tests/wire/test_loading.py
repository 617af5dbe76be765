"""The data files of botocore: what clients share, and what ecskit ships of the endpoints."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.loaders import Loader
from botocore.regions import EndpointResolver

import ecskit
from ecskit._transport.loader import ShippedModelLoader
from ecskit._transport.others import OF_AWS

from .model_server import ModelServer
from .support import REGION, Caller

SERVICES = ("ecs", "oidc", "portal.sso", "signin", "sts")


@pytest.fixture(scope="module")
def resolvers() -> tuple[Any, Any]:
    """The resolver of the installed botocore, and that of ecskit's clients."""
    full, shipped = Loader(), ShippedModelLoader(extra_search_paths=[])
    one, other = (EndpointResolver(each.load_data("endpoints"), uses_builtin_data=True) for each in (full, shipped))
    return one, other


@pytest.mark.parametrize("variant", [{}, {"use_fips_endpoint": True}, {"use_dualstack_endpoint": True}])
def test_the_endpoints_are_those_of_botocore(resolvers: tuple[Any, Any], variant: dict[str, bool]) -> None:
    """For each service that ecskit uses, in each region, also in those that are not listed."""
    full, shipped = resolvers
    regions = {region for p in full.get_available_partitions() for region in full.get_available_endpoints("ecs", p)}
    assert len(regions) > 30
    for service in SERVICES:
        for region in (*regions, "eu-new-9", "us-gov-new-9", "cn-new-9", "aws-global", "elsewhere"):
            expected, found = (_constructed(resolver, service, region, variant) for resolver in (full, shipped))
            assert expected == found, (service, region)
    assert full.get_available_partitions() == shipped.get_available_partitions()
    assert [full.get_partition_for_region(region) for region in regions] == [
        shipped.get_partition_for_region(region) for region in regions
    ]


def _constructed(resolver: Any, service: str, region: str, variant: dict[str, bool]) -> Any:
    try:
        return resolver.construct_endpoint(service, region, **variant)
    except Exception as error:  # noqa: BLE001  # compared
        return type(error)


def test_the_hosts_of_aws_are_those_of_all_partitions() -> None:
    """Requests to them are signed, and an endpoint among them serves one service."""
    outputs = [each["outputs"] for each in Loader().load_data("partitions")["partitions"]]
    suffixes = {f".{each[name]}" for each in outputs for name in ("dnsSuffix", "dualStackDnsSuffix")}
    assert suffixes <= set(OF_AWS)  # an older botocore has fewer


def test_a_list_of_endpoints_of_the_user_is_found_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As documented by botocore."""
    endpoints = Loader().load_data("endpoints")
    endpoints["partitions"][0]["services"]["ecs"] = {"endpoints": {"xx-mine-1": {"hostname": "ecs.mine.example"}}}
    (tmp_path / "endpoints.json").write_text(json.dumps(endpoints))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    with ecskit.Client(region_name="xx-mine-1") as ecs:
        assert "https://ecs.mine.example" == ecs.botocore_client.meta.endpoint_url


async def test_shared_data_is_not_changed_by_its_users(server: ModelServer, colour: str) -> None:
    """Clients of other sessions and regions get what the files have."""
    loader = ShippedModelLoader(extra_search_paths=[])
    names = [
        "partitions",
        "sdk-default-configuration",
        "ecs/2014-11-13/endpoint-rule-set-1",
        "ecs/2014-11-13/service-2",
    ]
    before = [copy.deepcopy(loader.load_data(name)) for name in names]
    for region in (REGION, "us-gov-west-1"):
        ecs = Caller.open(colour, region_name=region, endpoint_url=server.url)
        await ecs.call("list_clusters")
        await ecs.close()
    shared = ShippedModelLoader(extra_search_paths=[])
    assert before == [shared.load_data(name) for name in names]
    assert all(loader.load_data(name) is shared.load_data(name) for name in names)


def test_variants_share_the_session_unless_it_changes() -> None:
    """A session takes longer to make than a client."""
    with ecskit.Client(region_name=REGION) as ecs:
        own = ecs._transport._session
        changes: list[Any] = [{"region_name": "us-east-1"}, {"aws_access_key_id": "AKID", "aws_secret_access_key": "s"}]
        for options in changes:
            assert ecs.with_options(**options)._transport._session is own
        assert ecs.with_options(session=botocore.session.Session())._transport._session is not own


def test_services_are_listed_once_until_a_folder_changes(tmp_path: Path) -> None:
    """The list is that of botocore. A service that the user adds is found."""
    first, second = (ShippedModelLoader(extra_search_paths=[str(tmp_path)]) for _ in range(2))
    listed = first.list_available_services("service-2")
    assert listed is second.list_available_services("service-2")
    assert listed == Loader().list_available_services("service-2")
    added = tmp_path / "mine" / "2026-01-01"
    added.mkdir(parents=True)
    (added / "service-2.json").write_text("{}")
    assert "mine" in ShippedModelLoader(extra_search_paths=[str(tmp_path)]).list_available_services("service-2")
