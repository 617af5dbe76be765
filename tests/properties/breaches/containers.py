"""Breaches of the rules about containers: names, sizes, dependencies, checks, secrets, logs."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from properties.definitions import ANY, EC2, EXTERNAL, LOGS, MANAGED, ROLE, WINDOWS, Platform, Wire

from .making import INSTANCES, LINUX, ON_FARGATE, Breaches, extra, without, without_network

BREACHES = Breaches()

# Names, images, sizes.

BREACHES.container("container-name", "name", "", "a.b", "a b", "n" * 256)
BREACHES.container("image", "image", "", "app:1 ", "app:1,2", "app:1?", "i" * 256, "r/" * 128 + "@sha256:" + "a" * 64)
BREACHES.container(
    "image-digest", "image", "app@sha256:abc", f"app@sha512:{'a' * 64}", "app@", f"app@sha256:{'g' * 64}"
)


@BREACHES.breach("container-name")
def no_name(definition: Wire, _: Random) -> str:
    at = extra(definition)
    del definition["containerDefinitions"][-1]["name"]
    return f"{at}.name"


@BREACHES.breach("image")
def no_image(definition: Wire, _: Random) -> str:
    at = extra(definition)
    del definition["containerDefinitions"][-1]["image"]
    return f"{at}.image"


@BREACHES.breach("container-memory", *INSTANCES, WINDOWS)
def no_memory(definition: Wire, _: Random) -> str:
    definition.pop("memory", None)
    for container in definition["containerDefinitions"]:
        container.setdefault("memoryReservation", 4)
    at = extra(definition)
    del definition["containerDefinitions"][-1]["memory"]
    return f"{at}.memory"


@BREACHES.breach("container-memory")
def too_little_memory(definition: Wire, random: Random) -> str:
    name = random.choice(["memory", "memoryReservation"])
    at = extra(definition, **{name: random.choice([1, 3])})
    return f"{at}.{name}"


@BREACHES.breach("container-memory")
def less_than_is_reserved(definition: Wire, _: Random) -> str:
    at = extra(definition, memory=64, memoryReservation=65)
    return f"{at}.memory"


BREACHES.container("credential-specs", "credentialSpecs", [f"credentialspec:arn:aws:s3:::b/{name}" for name in "ab"])

# Dependencies and health checks.


@BREACHES.breach("depends-on-unknown")
def after_a_ghost(definition: Wire, random: Random) -> str:
    condition = random.choice(["START", "COMPLETE", "SUCCESS", "HEALTHY"])
    at = extra(definition, dependsOn=[{"containerName": "ghost", "condition": condition}])
    return f"{at}.dependsOn[0].containerName"


@BREACHES.breach("depends-on-healthy")
def after_one_without_a_check(definition: Wire, _: Random) -> str:
    extra(definition, name="unchecked")
    at = extra(definition, dependsOn=[{"containerName": "unchecked", "condition": "HEALTHY"}])
    return f"{at}.dependsOn[0].condition"


@BREACHES.breach("depends-on-complete")
def after_the_end_of_an_essential_one(definition: Wire, random: Random) -> str:
    extra(definition, name="essential", **random.choice([{}, {"essential": True}]))
    condition = random.choice(["COMPLETE", "SUCCESS"])
    at = extra(definition, dependsOn=[{"containerName": "essential", "condition": condition}])
    return f"{at}.dependsOn[0].condition"


@BREACHES.breach("depends-on-cycle")
def after_each_other(definition: Wire, random: Random) -> Iterable[str]:
    names = ["x", "y", "z"][: random.randint(1, 3)]
    after = [[{"containerName": name, "condition": "START"}] for name in [*names[1:], names[0]]]
    return [f"{extra(definition, name=n, dependsOn=each)}.dependsOn" for n, each in zip(names, after, strict=True)]


CHECK = {"command": ["CMD", "true"]}
for command in ([], ["CMD"], ["CMD-SHELL"], ["curl", "-f", "http://localhost/"], ["cmd", "true"]):
    BREACHES.container("health-check", "healthCheck.command", {"command": command})
for name, bad in {"interval": (4, 301), "timeout": (1, 61), "retries": (0, 11), "startPeriod": (-1, 301)}.items():
    BREACHES.container("health-check", f"healthCheck.{name}", *({**CHECK, name: value} for value in bad))

_PERIODS = [{"enabled": True, "restartAttemptPeriod": value} for value in (59, 1801)]
BREACHES.container("restart-policy", "restartPolicy.restartAttemptPeriod", *_PERIODS)
_CODES = {"enabled": True, "ignoredExitCodes": [*range(51)]}
BREACHES.container("restart-policy", "restartPolicy.ignoredExitCodes", _CODES)

# Linux.

for name, bad in {"swappiness": (-1, 101), "maxSwap": (-1, -2)}.items():
    BREACHES.container("swappiness", f"linuxParameters.{name}", *({name: value} for value in bad), on=INSTANCES)


def limit(soft: int, hard: int, name: str = "nproc") -> Wire:
    return {"name": name, "softLimit": soft, "hardLimit": hard}


BREACHES.container("ulimits", "ulimits[2].name", [limit(1, 2), limit(1, 1, "core"), limit(2, 2)], on=LINUX)
BREACHES.container("ulimits", "ulimits[0].softLimit", [limit(2, 1)], [limit(-1, 1)], on=LINUX)


@BREACHES.breach("system-controls", EC2, EXTERNAL)
def controls_of_the_hosts_network(definition: Wire, _: Random) -> str:
    without_network(definition)
    definition["networkMode"] = "host"
    at = extra(definition, systemControls=[{"namespace": "net.ipv4.tcp_keepalive_time", "value": "60"}])
    return f"{at}.systemControls[0].namespace"


@BREACHES.breach("system-controls", EC2, EXTERNAL, ANY)
def controls_of_the_hosts_ipc(definition: Wire, random: Random) -> str:
    without_network(definition)
    definition["ipcMode"] = "host"
    control = random.choice(["kernel.sem", "kernel.shmmax", "fs.mqueue.msg_max"])
    at = extra(definition, systemControls=[{"namespace": control, "value": "1"}])
    return f"{at}.systemControls[0].namespace"


# Variables, secrets and logs.


@BREACHES.breach("secret-names")
def a_variable_of_the_same_name(definition: Wire, _: Random) -> str:
    definition["executionRoleArn"] = ROLE
    secrets = [{"name": "OTHER", "valueFrom": "a"}, {"name": "TOKEN", "valueFrom": "b"}]
    at = extra(definition, environment=[{"name": "TOKEN", "value": ""}], secrets=secrets)
    return f"{at}.secrets[1].name"


@BREACHES.breach("secret-names")
def two_secrets_of_a_name(definition: Wire, _: Random) -> str:
    definition["executionRoleArn"] = ROLE
    at = extra(definition, secrets=[{"name": "A", "valueFrom": "a"}, {"name": "A", "valueFrom": "b"}])
    return f"{at}.secrets[1].name"


@BREACHES.breach("secret-names")
def two_secret_options_of_a_name(definition: Wire, _: Random) -> str:
    definition["executionRoleArn"] = ROLE
    logs = {"logDriver": "splunk", "secretOptions": [{"name": "a", "valueFrom": "a"}, {"name": "a", "valueFrom": "b"}]}
    at = extra(definition, logConfiguration=logs)
    return f"{at}.logConfiguration.secretOptions[1].name"


@BREACHES.breach("variable-names")
def a_variable_without_a_name(definition: Wire, random: Random) -> str:
    at = extra(definition, environment=[random.choice([{"value": "a"}, {"name": "", "value": "a"}])])
    return f"{at}.environment[0].name"


@BREACHES.breach("value-from")
def a_secret_from_elsewhere(definition: Wire, random: Random) -> str:
    definition["executionRoleArn"] = ROLE
    at = extra(definition, secrets=[{"name": "A", "valueFrom": random.choice(["", "a b", "p@ss", "/a:1"])}])
    return f"{at}.secrets[0].valueFrom"


@BREACHES.breach("value-from")
def another_arn(definition: Wire, random: Random) -> str:
    definition["executionRoleArn"] = ROLE
    bad = ["arn:aws:ssm:eu-west-1:1:parameter/a", "arn:aws:s3:::bucket/key", "arn:aws:secretsmanager:x"]
    at = extra(definition, secrets=[{"name": "A", "valueFrom": random.choice(bad)}])
    return f"{at}.secrets[0].valueFrom"


def files(*values: str) -> list[Wire]:
    return [{"type": "s3", "value": value} for value in values]


for file in ("s3://bucket/web.env", "arn:aws:s3:::bucket/web.txt", "https://bucket.s3.amazonaws.com/web.env"):
    BREACHES.container("environment-files", "environmentFiles[0].value", files(file))
BREACHES.container("environment-files", "environmentFiles", files(*["arn:aws:s3:::b/web.env"] * 11))

_DRIVERS = [{"logDriver": each} for each in ("json-file", "syslog", "journald", "gelf", "fluentd")]
BREACHES.container("log-driver", "logConfiguration.logDriver", *_DRIVERS, on=ON_FARGATE)
BREACHES.container("log-driver", "logConfiguration.logDriver", *_DRIVERS[1:], on=[MANAGED])


FIRELENS: Wire = {"logDriver": "awsfirelens"}


@BREACHES.breach("firelens")
def logs_without_a_router(definition: Wire, _: Random) -> str:
    without(definition, "firelensConfiguration", "logConfiguration")
    return f"{extra(definition, logConfiguration=FIRELENS)}.logConfiguration.logDriver"


@BREACHES.breach("firelens")
def a_router_without_logs(definition: Wire, _: Random) -> str:
    without(definition, "firelensConfiguration", "logConfiguration")
    return f"{extra(definition, firelensConfiguration={'type': 'fluentd'})}.firelensConfiguration"


def awslogs(path: str, *platforms: Platform, **options: str | None) -> None:
    """Add a breach of the options of awslogs."""

    @BREACHES.breach("log-options", *platforms)
    def options_of_awslogs(definition: Wire, _: Random) -> str:
        definition["executionRoleArn"] = ROLE
        given = {**LOGS, **{key.replace("_", "-"): value for key, value in options.items()}}
        logs = {"logDriver": "awslogs", "options": {key: value for key, value in given.items() if value is not None}}
        at = extra(definition, logConfiguration=logs)
        return f"{at}.logConfiguration.options{path}"


awslogs("", awslogs_group=None)
awslogs("", awslogs_region=None)
awslogs("", *ON_FARGATE, awslogs_stream_prefix=None)
awslogs("['awslogs-prefix']", awslogs_prefix="web")
awslogs("['max-file']", max_file="3")
awslogs("['awslogs-create-group']", awslogs_create_group="false")
awslogs("", awslogs_datetime_format="%Y", awslogs_multiline_pattern="^x")
