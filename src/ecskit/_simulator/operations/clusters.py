"""Clusters: create, describe, list, update, delete, and associate capacity providers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ecskit._simulator.account import DEFAULT_CLUSTER, Account
from ecskit._simulator.capacity_strategies import known_strategy
from ecskit._simulator.cluster_attachments import attach, attach_namespace, check_settled, show_attachments
from ecskit._simulator.errors import SimulatedError, invalid
from ecskit._simulator.launch_rules import check_strategy
from ecskit._simulator.limits import check_count, check_name
from ecskit._simulator.operations.capacity_providers import usable_provider
from ecskit._simulator.pagination import paginate
from ecskit._simulator.records.resources import Cluster
from ecskit._simulator.scheduler.launch_and_stop import launch_type_of
from ecskit._simulator.tagging import checked_tags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecskit._simulator.wire import Wire

_INSIGHTS = ("enabled", "disabled", "enhanced")


def create(account: Account, request: Wire) -> Wire:
    """Perform CreateCluster. A repeated request returns the existing cluster."""
    name = request.get("clusterName", DEFAULT_CLUSTER)
    check_name("clusterName", name)
    existing = account.clusters.get(name)
    if existing is not None and existing.status == "ACTIVE":
        if request not in (existing.created_with, {"clusterName": name}, {}):
            raise invalid(f"The cluster {name} exists and was created with other parameters.")
        return {"cluster": _created(account, existing)}
    providers = request.get("capacityProviders", [])
    cluster = Cluster(
        name=name,
        arn=account.arns.ecs("cluster", name),
        created_with=request,
        tags=checked_tags(request.get("tags")),
        settings=_settings([{"name": "containerInsights", "value": "disabled"}], request.get("settings", [])),
        configuration=request.get("configuration"),
        service_connect_defaults=_service_connect(account, request.get("serviceConnectDefaults")),
        capacity_providers=_providers(account, name, providers),
        default_strategy=_strategy(request.get("defaultCapacityProviderStrategy", []), providers),
    )
    account.clusters[name] = cluster
    attach(account, cluster, status="PRECREATED")
    if cluster.service_connect_defaults is not None:
        attach_namespace(account, cluster)
    # A cluster without attachments is ACTIVE at once.
    cluster.changing_until = cluster.provisioned_at = cluster.changing_until if cluster.attachments else 0.0
    return {"cluster": _created(account, cluster)}


def _created(account: Account, cluster: Cluster) -> Wire:
    """Return a cluster as CreateCluster shows it: with the configuration of the request, and attachments if any."""
    given = ("CONFIGURATIONS",) if cluster.configuration is not None else ()
    attached = ("ATTACHMENTS",) if cluster.attachments else ()
    return _show(account, cluster, ("SETTINGS", "TAGS", *given, *attached))


def _describe(account: Account, request: Wire) -> Wire:
    references = request.get("clusters") or [DEFAULT_CLUSTER]
    check_count("clusters", references, most=100)
    shown: list[Wire] = []
    failures: list[Wire] = []
    for reference in dict.fromkeys(references):
        cluster = account.find_cluster(reference)
        if cluster is None:
            arn = reference if reference.startswith("arn:") else account.arns.ecs("cluster", reference)
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            shown.append(_show(account, cluster, request.get("include", [])))
    return {"clusters": shown, "failures": failures}


def _list(account: Account, request: Wire) -> Wire:
    rows = [(cluster.arn, cluster.arn) for cluster in account.clusters.values() if cluster.status == "ACTIVE"]
    page, more = paginate("ListClusters", request, rows)
    return {"clusterArns": page, **more}


def _update(account: Account, request: Wire) -> Wire:
    cluster = account.active_cluster(request["cluster"])
    settings = _settings(cluster.settings, request.get("settings", []))
    defaults = _service_connect(account, request.get("serviceConnectDefaults"))
    cluster.settings = settings
    cluster.configuration = request.get("configuration", cluster.configuration)
    cluster.service_connect_defaults = defaults if defaults is not None else cluster.service_connect_defaults
    return {"cluster": _show(account, cluster, ("SETTINGS", "CONFIGURATIONS"))}


def _update_settings(account: Account, request: Wire) -> Wire:
    cluster = account.active_cluster(request["cluster"])
    cluster.settings = _settings(cluster.settings, request["settings"])
    return {"cluster": _show(account, cluster, ("SETTINGS",))}


def _put_providers(account: Account, request: Wire) -> Wire:
    cluster = account.active_cluster(request["cluster"])
    check_settled(account, cluster)
    providers = _providers(account, cluster.name, request["capacityProviders"])
    strategy = _strategy(request["defaultCapacityProviderStrategy"], providers)
    busy = {
        task.body.get("capacityProviderName")
        for task in account.tasks_of(cluster)
        if account.task_status(task) != "STOPPED"
    }
    for removed in set(cluster.capacity_providers) - set(providers):
        if removed in busy:
            raise SimulatedError("ResourceInUseException", f"Tasks still run on the capacity provider {removed}.")
    cluster.capacity_providers = providers
    cluster.default_strategy = strategy
    attach(account, cluster, status="ACTIVE")
    return {"cluster": _show(account, cluster, ("SETTINGS", "TAGS", "ATTACHMENTS"))}


def _delete(account: Account, request: Wire) -> Wire:
    cluster = account.cluster(request["cluster"])
    if cluster.status == "ACTIVE":
        if account.instances_of(cluster):
            raise SimulatedError(
                "ClusterContainsContainerInstancesException",
                "The cluster still has container instances: deregister them first.",
            )
        if any(service.status != "INACTIVE" for service in account.services_of(cluster)):
            raise SimulatedError(
                "ClusterContainsServicesException", "The cluster still has services: delete them first."
            )
        if any(account.task_status(task) != "STOPPED" for task in account.tasks_of(cluster)):
            raise SimulatedError("ClusterContainsTasksException", "The cluster still has tasks: stop them first.")
        cluster.deleted_at = account.now
    return {"cluster": _show(account, cluster, ())}


def _show(account: Account, cluster: Cluster, include: Sequence[str]) -> Wire:
    running, pending = _task_counts(account, cluster)
    body: Wire = {
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": "PROVISIONING" if account.now < cluster.provisioned_at else cluster.status,
        "registeredContainerInstancesCount": len(account.instances_of(cluster)),
        "runningTasksCount": sum(running.values()),
        "pendingTasksCount": sum(pending.values()),
        "activeServicesCount": sum(service.status == "ACTIVE" for service in account.services_of(cluster)),
        "statistics": _statistics(account, cluster, running, pending) if "STATISTICS" in include else [],
        "tags": cluster.tags if "TAGS" in include else [],
        "settings": cluster.settings if "SETTINGS" in include else [],
        "capacityProviders": cluster.capacity_providers,
        "defaultCapacityProviderStrategy": cluster.default_strategy,
    }
    if "CONFIGURATIONS" in include:
        body["configuration"] = _configuration(cluster.configuration or {})
    if "ATTACHMENTS" in include:
        body |= show_attachments(account, cluster)
    if cluster.service_connect_defaults is not None:
        body["serviceConnectDefaults"] = cluster.service_connect_defaults
    return body


def _configuration(given: Wire) -> Wire:
    """Return a configuration with what ECS fills in for a log configuration (recorded)."""
    command: Wire = given.get("executeCommandConfiguration", {})
    if "logConfiguration" not in command:
        return given
    logs = {"cloudWatchEncryptionEnabled": False, "s3EncryptionEnabled": False, **command["logConfiguration"]}
    return {**given, "executeCommandConfiguration": {**command, "logConfiguration": logs}}


def _task_counts(account: Account, cluster: Cluster) -> tuple[Counter[str], Counter[str]]:
    """Return the numbers of running and of pending tasks, by EC2 and Fargate."""
    running: Counter[str] = Counter()
    pending: Counter[str] = Counter()
    for task in account.tasks_of(cluster):
        capacity = "Fargate" if task.plan.fargate else "EC2"
        status = account.task_status(task)
        if status == "RUNNING":
            running[capacity] += 1
        elif status in ("PROVISIONING", "PENDING", "ACTIVATING"):
            pending[capacity] += 1
    return running, pending


def _statistics(account: Account, cluster: Cluster, running: Counter[str], pending: Counter[str]) -> list[Wire]:
    services: Counter[tuple[str, str]] = Counter()
    for service in account.services_of(cluster):
        capacity = "Fargate" if launch_type_of(service.config) == "FARGATE" else "EC2"
        services[capacity, service.status] += 1
    counts = {}
    for capacity in ("EC2", "Fargate"):
        counts[f"running{capacity}TasksCount"] = running[capacity]
        counts[f"pending{capacity}TasksCount"] = pending[capacity]
        counts[f"active{capacity}ServiceCount"] = services[capacity, "ACTIVE"]
        counts[f"draining{capacity}ServiceCount"] = services[capacity, "DRAINING"]
    return [{"name": name, "value": str(count)} for name, count in counts.items()]


def _settings(old: list[dict[str, str]], new: list[dict[str, str]]) -> list[dict[str, str]]:
    values = {setting["name"]: setting["value"] for setting in old}
    for setting in new:
        name, value = setting.get("name"), setting.get("value")
        if name is None or value not in _INSIGHTS:
            raise invalid(f"The cluster setting {name} must be one of {', '.join(_INSIGHTS)}, not {value}.")
        values[name] = value
    return [{"name": name, "value": value} for name, value in values.items()]


def _service_connect(account: Account, defaults: dict[str, str] | None) -> dict[str, str] | None:
    if defaults is None or defaults["namespace"].startswith("arn:"):
        return defaults
    namespace = f"ns-{account.hex(16)}"
    arns = account.arns
    arn = f"arn:{arns.partition}:servicediscovery:{arns.region}:{arns.account}:namespace/{namespace}"
    return {"namespace": arn}


def _providers(account: Account, cluster: str, references: list[str]) -> list[str]:
    check_count("capacityProviders", references, least=0, most=20)
    return [usable_provider(account, reference, cluster).name for reference in references]


def _strategy(strategy: list[Wire], providers: list[str]) -> list[Wire]:
    check_strategy(strategy)
    return known_strategy(strategy, providers)


OPERATIONS = {
    "CreateCluster": create,
    "DescribeClusters": _describe,
    "ListClusters": _list,
    "UpdateCluster": _update,
    "UpdateClusterSettings": _update_settings,
    "PutClusterCapacityProviders": _put_providers,
    "DeleteCluster": _delete,
}
