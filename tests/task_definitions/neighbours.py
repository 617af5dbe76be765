"""Pairs of definitions that differ in one value: one is right, the other is refused or probably a mistake."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from .support import Wire, container, ec2, fargate
from .table import ROLE, after, port

Found: TypeAlias = tuple[str, str, str]
"""A path, a rule, and `error` or `hint`."""
HERE = "containerDefinitions[0]"
AWSLOGS = {"awslogs-group": "/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web"}
HEX = "0123456789abcdef" * 4
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:web-AbCdEf"


def app(**members: Any) -> Wire:
    """Return a definition for Fargate with one container."""
    return fargate(container(**members), executionRoleArn=ROLE)


def on_ec2(**members: Any) -> Wire:
    """Return a definition for EC2 with one container."""
    return ec2(container(**members))


def windows(**members: Any) -> Wire:
    """Return a definition for Windows on Fargate."""
    return fargate(cpu="1024", memory="2048", runtimePlatform=platform("WINDOWS_SERVER_2022_CORE"), **members)


def platform(system: str, **members: Any) -> Wire:
    """Return a runtime platform."""
    return {"operatingSystemFamily": system, **members}


def variables(*names: str) -> list[Wire]:
    """Return variables."""
    return [{"name": name, "value": "x"} for name in names]


def secrets(*names: str, value_from: str = "/web/token") -> list[Wire]:
    """Return secrets."""
    return [{"name": name, "valueFrom": value_from} for name in names]


def efs(**members: Any) -> Wire:
    """Return a volume of EFS."""
    return {"name": "efs", "efsVolumeConfiguration": {"fileSystemId": "fs-1", **members}}


def docker(**members: Any) -> Wire:
    """Return a definition with a Docker volume."""
    return ec2(volumes=[{"name": "data", "dockerVolumeConfiguration": members}])


def logs(**options: str) -> Wire:
    """Return a definition with more options of awslogs."""
    more = {name.replace("_", "-"): value for name, value in options.items()}
    return app(logConfiguration={"logDriver": "awslogs", "options": {**AWSLOGS, **more}})


def after_the_end(condition: str, **members: Any) -> Wire:
    """Return a definition in which a container waits for the end of another."""
    return fargate(container(dependsOn=[after("init", condition)]), container("init", **members))


def control(namespace: str, **members: Any) -> Wire:
    """Return a definition with a kernel parameter."""
    return ec2(container(systemControls=[{"namespace": namespace, "value": "1"}]), **members)


def limits(*limits: tuple[str, int, int]) -> Wire:
    """Return a definition with ulimits."""
    return on_ec2(ulimits=[{"name": name, "softLimit": soft, "hardLimit": hard} for name, soft, hard in limits])


def mounts(*paths: str) -> Wire:
    """Return a definition that mounts a volume at paths."""
    points = [{"sourceVolume": "data", "containerPath": path} for path in paths]
    return fargate(container(mountPoints=points), volumes=[{"name": "data"}])


PROXY = {"ProxyIngressPort": "15000", "ProxyEgressPort": "15001", "AppPorts": "80"}


def proxy(name: str, *without: str) -> Wire:
    """Return the configuration of a proxy."""
    properties = [{"name": key, "value": value} for key, value in PROXY.items() if key not in without]
    return {"type": "APPMESH", "containerName": name, "properties": properties}


def each(make: Callable[[Any], Wire], right: Any, wrong: Any, *found: Found) -> list[tuple[Wire, Wire, set[Found]]]:
    """Return pairs: each wrong value beside a right one."""
    rights = right if isinstance(right, tuple) else (right,)
    wrongs = wrong if isinstance(wrong, tuple) else (wrong,)
    pairs = [(make(rights[0]), make(bad), {*found}) for bad in wrongs]
    return pairs + [(make(good), make(wrongs[0]), {*found}) for good in rights[1:]]


def error(path: str, rule: str) -> Found:
    """Return what is refused."""
    return path, rule, "error"


def hint(path: str, rule: str) -> Found:
    """Return what may be meant."""
    return path, rule, "hint"


_UNFILLED = (
    "<IMAGE>",
    "registry/app:${TAG}",
    "registry/app:$(Build.BuildId)",
    "{{ must_env `IMAGE` }}",
    '{{ env "IMAGE" }}:1',
    "%IMAGE%",
    "$REG/app:$TAG",
    "#{image}",
)
_NOT_IN_AWSVPC: Sequence[Wire] = ({"dnsServers": ["10.0.0.2"]}, {"disableNetworking": True}, {"hostname": "a"})
_IMAGES = ("app:1", "a.b-c_d/e:F.1_2-3", "registry.example.com:5000/app:1", f"app@sha256:{HEX}", f"app:1@sha256:{HEX}")
_ROLES = (ROLE, "arn:aws-us-gov:iam::123456789012:role/path/to/x", "web-role")
_NO_ROLES = ("arn:aws:iam::ACCOUNT_ID:role/x", "arn:aws:iam::1234:role/x", "arn:aws:iam::123456789012:policy/x")
_FROM = ("token", "/web/token", "arn:aws:ssm:eu-west-1:123456789012:parameter/web/token", SECRET, f"{SECRET}:key::")
_NOT_FROM = (
    "",
    "web token",
    "p@ss!",
    f"{SECRET} ",
    "arn:aws:ssm:eu-west-1:ACCOUNT:parameter/x",
    "arn:aws:s3:::bucket/key",
)
_ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1"

NEIGHBOURS: dict[str, list[tuple[Wire, Wire, set[Found]]]] = {
    # Values of enums.
    "requiresCompatibilities": each(
        lambda value: fargate(requiresCompatibilities=[value]),
        "FARGATE",
        ("fargate", "Fargate"),
        error("requiresCompatibilities[0]", "enum"),
    ),
    "pidMode": each(lambda value: ec2(pidMode=value), ("task", "host"), ("", "HOST"), error("pidMode", "enum")),
    "networkMode": each(
        lambda value: ec2(networkMode=value), "bridge", ("vpc", "nat"), hint("networkMode", "unknown-value")
    ),
    "cpuArchitecture in capitals": each(
        lambda value: fargate(runtimePlatform={"cpuArchitecture": value}),
        ("ARM64", "X86_64"),
        ("arm64", "x86_64"),
        error("runtimePlatform.cpuArchitecture", "enum"),
    ),
    "cpuArchitecture by another name": each(
        lambda value: fargate(runtimePlatform={"cpuArchitecture": value}),
        "X86_64",
        ("amd64", "aarch64"),
        hint("runtimePlatform.cpuArchitecture", "unknown-value"),
    ),
    "appProtocol": each(
        lambda value: app(portMappings=[port(appProtocol=value)]),
        ("http", "grpc"),
        ("", "HTTP"),
        error(f"{HERE}.portMappings[0].appProtocol", "enum"),
    ),
    "placement": each(
        lambda value: ec2(placementConstraints=[{"type": value, "expression": "true"}]),
        "memberOf",
        ("distinctInstance", "memberof"),
        error("placementConstraints[0].type", "placement-constraints"),
    ),
    # Placeholders, images, roles, secrets.
    "placeholder in an image": each(
        lambda value: app(image=value), _IMAGES, _UNFILLED, error(f"{HERE}.image", "placeholder")
    ),
    "placeholder of characters that an image can have": each(
        lambda value: app(image=value),
        ("app:1", "repo/a__b__c:1", "svc__main__1:1"),
        ("__REPO__/app:1", "registry/app:__TAG__"),
        hint(f"{HERE}.image", "placeholder"),
    ),
    "placeholder in a family": each(
        lambda value: {**app(), "family": value}, ("a__b__c",), ("__APP__",), hint("family", "placeholder")
    ),
    "placeholder in a range of ports": each(
        lambda value: app(portMappings=[{"containerPortRange": value}]),
        ("8000-8010",),
        ("${FIRST}-${LAST}",),
        error(f"{HERE}.portMappings[0].containerPortRange", "placeholder"),
    ),
    "CPU of a task on EC2": each(
        lambda value: ec2(container(), cpu=value), ("128", "0", "196608"), ("64", "200000"), error("cpu", "task-size")
    ),
    "placeholder in a size": each(
        lambda value: {**app(), "cpu": value}, ("256",), ("__CPU__", "${CPU}"), error("cpu", "placeholder")
    ),
    "characters of an image": each(
        lambda value: app(image=value),
        "app:1",
        ("app:1 ", " app:1", "app:1\n", "app,1:1", "äpp:1"),
        error(f"{HERE}.image", "image"),
    ),
    "digest": each(
        lambda value: app(image=f"app@{value}"),
        f"sha256:{HEX}",
        ("sha256:abc", f"sha256:{HEX}0", f"md5:{HEX}"),
        error(f"{HERE}.image", "image-digest"),
    ),
    "placeholder in a role": each(
        lambda value: fargate(taskRoleArn=value), _ROLES, ("${ROLE}", "<role-arn>"), error("taskRoleArn", "placeholder")
    ),
    "task role": each(lambda value: fargate(taskRoleArn=value), _ROLES, _NO_ROLES, error("taskRoleArn", "role")),
    "empty role": each(lambda value: fargate(taskRoleArn=value), ROLE, "", hint("taskRoleArn", "role")),
    "execution role": each(
        lambda value: fargate(executionRoleArn=value), ROLE, _NO_ROLES, error("executionRoleArn", "role")
    ),
    "placeholder in a secret": each(
        lambda value: app(secrets=secrets("TOKEN", value_from=value)),
        "/web/token",
        ("${TOKEN}", "<arn>", "/web/${STAGE}/token"),
        error(f"{HERE}.secrets[0].valueFrom", "placeholder"),
    ),
    "form of a secret": each(
        lambda value: app(secrets=secrets("TOKEN", value_from=value)),
        _FROM,
        _NOT_FROM,
        error(f"{HERE}.secrets[0].valueFrom", "value-from"),
    ),
    "placeholder in a variable": each(
        lambda value: app(environment=[{"name": "STAGE", "value": value}]),
        ("prod", "$5", "100%", "a<b", '{"a": {"b": 1}}'),
        ("${STAGE}", "<stage>", "{{ stage }}"),
        hint(f"{HERE}.environment[0].value", "placeholder"),
    ),
    # Twice.
    "variable and secret": each(
        lambda name: app(environment=variables("MODE"), secrets=secrets(name)),
        ("TOKEN", "mode"),
        "MODE",
        error(f"{HERE}.secrets[0].name", "secret-names"),
    ),
    "secret twice": each(
        lambda name: app(secrets=secrets("TOKEN", name)),
        "OTHER",
        "TOKEN",
        error(f"{HERE}.secrets[1].name", "secret-names"),
    ),
    "variable twice": each(
        lambda name: app(environment=variables("MODE", name)),
        "OTHER",
        "MODE",
        hint(f"{HERE}.environment[1].name", "variable-names"),
    ),
    "volume twice": each(
        lambda name: fargate(volumes=[{"name": "data"}, {"name": name}]),
        "Data",
        "data",
        error("volumes[1].name", "volume-name"),
    ),
    "mounted volume": each(
        lambda mount: fargate(container(mountPoints=[{"containerPath": "/data", **mount}]), volumes=[{"name": "data"}]),
        {"sourceVolume": "data"},
        ({}, {"sourceVolume": "Data"}),
        error(f"{HERE}.mountPoints[0].sourceVolume", "mount-points"),
    ),
    "mount path twice": each(
        lambda path: mounts("/data", path),
        "/data2",
        "/data",
        error(f"{HERE}.mountPoints[1].containerPath", "mount-points"),
    ),
    "ulimit twice": each(
        lambda name: limits(("nofile", 1, 2), (name, 3, 4)),
        "nproc",
        "nofile",
        error(f"{HERE}.ulimits[1].name", "ulimits"),
    ),
    "port twice": each(
        lambda second: app(portMappings=[port(80), second]),
        port(81),
        (port(80), port(80, protocol="tcp"), {"containerPortRange": "79-90"}),
        error(f"{HERE}.portMappings[1]", "port-twice"),
    ),
    "port of two protocols": each(
        lambda protocol: app(portMappings=[port(53), port(53 if protocol else 54, protocol="udp")]),
        None,
        "udp",
        hint(f"{HERE}.portMappings[1]", "port-protocols"),
    ),
    # Sizes.
    "size": each(
        lambda size: app(environment=[{"name": "A", "value": "x" * size}]), 60_000, 66_000, error("", "definition-size")
    ),
    "containers": each(
        lambda count: fargate(*(container(f"c{i}") for i in range(count))),
        10,
        (11, 30),
        error("containerDefinitions", "containers"),
    ),
    "32 vCPU": each(
        lambda memory: fargate(cpu="32768", memory=memory),
        ("61440", "122880", "249856", "244 GB"),
        ("65536", "245760"),
        error("memory", "fargate-size"),
    ),
    "ephemeral storage": each(
        lambda size: fargate(ephemeralStorage={"sizeInGiB": size}),
        (21, 200),
        (20, 201),
        error("ephemeralStorage.sizeInGiB", "ephemeral-storage"),
    ),
    # Fargate.
    "role for images of ECR": each(
        lambda image: fargate(container(image=image)),
        ("app:1", "public.ecr.aws/app/app:1"),
        _ECR,
        error(f"{HERE}.image", "execution-role"),
    ),
    "role for secrets": each(
        lambda names: fargate(container(secrets=secrets(*names))),
        [],
        ["TOKEN"],
        error(f"{HERE}.secrets", "execution-role"),
    ),
    "log drivers": each(
        lambda driver: app(logConfiguration={"logDriver": driver}),
        "splunk",
        ("json-file", "syslog", "journald", "gelf", "fluentd"),
        error(f"{HERE}.logConfiguration.logDriver", "log-driver"),
    ),
    "GPU": [
        (
            on_ec2(resourceRequirements=[{"type": "GPU", "value": "1"}]),
            app(resourceRequirements=[{"type": "GPU", "value": "1"}]),
            {error(f"{HERE}.resourceRequirements[0].type", "fargate-unsupported")},
        )
    ],
    "host paths": each(
        lambda host: fargate(volumes=[{"name": "data", "host": host}]),
        {},
        {"sourcePath": "/var"},
        error("volumes[0].host.sourcePath", "fargate-unsupported"),
    ),
    "devices": each(
        lambda devices: app(linuxParameters={"devices": devices}),
        [],
        [{"hostPath": "/dev/fuse"}],
        error(f"{HERE}.linuxParameters.devices", "fargate-unsupported"),
    ),
    "pidMode of Fargate": each(
        lambda mode: fargate(pidMode=mode), "task", "host", error("pidMode", "fargate-unsupported")
    ),
    "ipcMode of Fargate": [
        (ec2(ipcMode=mode), fargate(ipcMode=mode), {error("ipcMode", "fargate-unsupported")})
        for mode in ("task", "none")
    ],
    # Other rules.
    "a router and its logs": each(
        lambda driver: fargate(
            container(logConfiguration={"logDriver": driver}),
            container("router", firelensConfiguration={"type": "fluentbit"}),
        ),
        "awsfirelens",
        "splunk",
        error("containerDefinitions[1].firelensConfiguration", "firelens"),
    ),
    "options of awslogs": [
        (
            logs(),
            logs(**{name: "x"}),
            {error(f"{HERE}.logConfiguration.options[{name.replace('_', '-')!r}]", "log-options")},
        )
        for name in ("awslogs_prefix", "awslogs_log_group", "max_size")
    ],
    "awslogs-create-group": each(
        lambda value: logs(awslogs_create_group=value),
        ("true", "True"),
        "false",
        error(f"{HERE}.logConfiguration.options['awslogs-create-group']", "log-options"),
    ),
    "the end of an essential container": [
        (
            after_the_end(condition, essential=False),
            wrong,
            {error(f"{HERE}.dependsOn[0].condition", "depends-on-complete")},
        )
        for condition in ("COMPLETE", "SUCCESS")
        for wrong in (after_the_end(condition), after_the_end(condition, essential=True))
    ],
    "cycle": each(
        lambda name: fargate(
            container("a", dependsOn=[after("b")]), container("b", dependsOn=[after(name)]), container("c")
        ),
        "c",
        "a",
        error("containerDefinitions[0].dependsOn", "depends-on-cycle"),
        error("containerDefinitions[1].dependsOn", "depends-on-cycle"),
    ),
    "links in awsvpc": each(
        lambda mode: ec2(container(links=["b"]), container("b"), networkMode=mode),
        "bridge",
        ("awsvpc", "host", "none"),
        error(f"{HERE}.links", "links"),
    ),
    "cycle of links": each(
        lambda link: ec2(container(links=["b:db"]), container("b", links=[link]), container("c")),
        ("c", "c:app"),
        ("app", "app:web"),
        error(f"{HERE}.links", "links"),
        error("containerDefinitions[1].links", "links"),
    ),
    "proxy container": each(
        lambda name: fargate(proxyConfiguration=proxy(name)),
        "app",
        "envoy",
        error("proxyConfiguration.containerName", "proxy-container"),
    ),
    "network of a proxy": each(
        lambda mode: ec2(proxyConfiguration=proxy("app"), networkMode=mode),
        "awsvpc",
        ("bridge", "host"),
        error("proxyConfiguration", "proxy-network-mode"),
    ),
    "ports of a proxy": [
        (
            fargate(proxyConfiguration=proxy("app")),
            fargate(proxyConfiguration=proxy("app", name)),
            {error("proxyConfiguration.properties", "proxy-ports")},
        )
        for name in PROXY
    ],
    "a range beside a port": each(
        lambda more: app(portMappings=[{"containerPortRange": "80-90", **more}]),
        {},
        {"containerPort": 80},
        error(f"{HERE}.portMappings[0].containerPort", "port-range"),
    ),
    "names of ports": each(
        lambda name: fargate(
            container(portMappings=[port(name="web")]), container("b", portMappings=[port(81, name=name)])
        ),
        "web-2",
        "web",
        error("containerDefinitions[1].portMappings[0].name", "port-name"),
    ),
    "one port of the host for two ports": each(
        lambda host: ec2(container(portMappings=[port(80, hostPort=8080), port(81, hostPort=host)])),
        (8081, 0),
        8080,
        error(f"{HERE}.portMappings[1]", "port-twice"),
    ),
    "one port to two ports of the host": each(
        lambda host: ec2(container(portMappings=[port(80), port(80, hostPort=host)])),
        8080,
        0,
        error(f"{HERE}.portMappings[1]", "port-twice"),
    ),
    "unsupported in awsvpc": [
        (
            ec2(container("app", **members), networkMode="bridge"),
            ec2(container("app", **members), networkMode="awsvpc"),
            {error(f"{HERE}.{name}", "awsvpc-unsupported") for name in members},
        )
        for members in _NOT_IN_AWSVPC
    ],
    "memory of a container": each(
        lambda memory: app(memory=memory, memoryReservation=64), 512, 513, error(f"{HERE}.memory", "memory-sum")
    ),
    "storage on EC2": each(
        lambda requires: fargate(requiresCompatibilities=requires, ephemeralStorage={"sizeInGiB": 30}),
        (["FARGATE"], ["EC2", "FARGATE"]),
        ["EC2"],
        error("ephemeralStorage", "ephemeral-storage"),
    ),
    "port of EFS without encryption": each(
        lambda value: fargate(volumes=[efs(transitEncryption=value, transitEncryptionPort=2999)]),
        "ENABLED",
        "DISABLED",
        error("volumes[0].efsVolumeConfiguration.transitEncryptionPort", "efs-port"),
    ),
    "names of images": each(
        lambda value: app(image=value),
        (
            *_IMAGES,
            "localhost:5000/app:1",
            "localhost/app:1",
            "Registry:5000/app:1",
            "team/app:1",
            _ECR,
            "123456789012.dkr-ecr.eu-west-1.on.aws/a/b:1",
        ),
        (
            "https://registry.example.com/app:1",
            "MyApp:1",
            "MyTeam/app:1",
            "app:#TAG#",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:#TAG#",
            "REPOSITORY_URI:IMAGE_TAG",
            "app:1:2",
            "YOUR_ACCOUNT.dkr.ecr.eu-west-1.amazonaws.com/app:1",
            "ACCOUNT.dkr.ecr.eu-west-1.amazonaws.com/app:1",
            "123456789012.dkr.ecr.REGION.amazonaws.com/app:1",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com.app:1",
        ),
        hint(f"{HERE}.image", "image-name"),
    ),
    "region of logs": each(
        lambda value: logs(awslogs_region=value),
        ("eu-west-1", "us-gov-east-1", "cn-north-1"),
        ("REGION", "eu-west-1a"),
        hint(f"{HERE}.logConfiguration.options['awslogs-region']", "log-region"),
    ),
    "autoprovision": each(
        lambda scope: docker(scope=scope, autoprovision=False),
        "shared",
        "task",
        error("volumes[0].dockerVolumeConfiguration.autoprovision", "autoprovision"),
    ),
    "autoprovision without an effect": each(
        lambda scope: docker(**scope, autoprovision=True),
        {"scope": "shared"},
        ({}, {"scope": "task"}),
        hint("volumes[0].dockerVolumeConfiguration.autoprovision", "autoprovision"),
    ),
    "soft above hard": each(
        lambda soft: limits(("nofile", soft, 1024)),
        (1, 1024),
        (1025, -1),
        error(f"{HERE}.ulimits[0].softLimit", "ulimits"),
    ),
    "port of EFS": each(
        lambda number: fargate(volumes=[efs(transitEncryption="ENABLED", transitEncryptionPort=number)]),
        (2049, 0, 65535),
        (-1, 65536),
        error("volumes[0].efsVolumeConfiguration.transitEncryptionPort", "efs-port"),
    ),
    "environment files": each(
        lambda value: app(environmentFiles=[{"type": "s3", "value": value}]),
        ("arn:aws:s3:::bucket/web.env", "arn:aws-cn:s3:::bucket/web.env"),
        ("s3://bucket/web.env", "web.env", "arn:aws:s3:::bucket/web.txt"),
        error(f"{HERE}.environmentFiles[0].value", "environment-files"),
    ),
    "Windows on ARM64": [
        (
            fargate(runtimePlatform=platform("LINUX", cpuArchitecture="ARM64")),
            {**windows(), "runtimePlatform": platform("WINDOWS_SERVER_2022_CORE", cpuArchitecture="ARM64")},
            {error("runtimePlatform.cpuArchitecture", "windows-unsupported")},
        )
    ],
    "EFS on Windows": [
        (
            fargate(volumes=[efs()]),
            windows(volumes=[efs()]),
            {error("volumes[0].efsVolumeConfiguration", "windows-unsupported")},
        )
    ],
    "network of EXTERNAL": each(
        lambda mode: ec2(requiresCompatibilities=["EXTERNAL"], networkMode=mode),
        ("bridge", "host", "none"),
        "awsvpc",
        error("networkMode", "external-network-mode"),
    ),
    "controls of the network": each(
        lambda mode: control("net.core.somaxconn", networkMode=mode),
        ("bridge", "awsvpc"),
        "host",
        error(f"{HERE}.systemControls[0].namespace", "system-controls"),
    ),
    "controls of IPC": each(
        lambda mode: control("kernel.msgmax", ipcMode=mode),
        ("task", "none"),
        "host",
        error(f"{HERE}.systemControls[0].namespace", "system-controls"),
    ),
    # Hints.
    "tag of an image": each(
        lambda image: app(image=image),
        ("nginx:1.27", f"nginx@sha256:{HEX}", "localhost:5000/nginx:1"),
        ("nginx", "nginx:latest", "localhost:5000/nginx", "registry.example.com/nginx:latest"),
        hint(f"{HERE}.image", "image-tag"),
    ),
    "secret in an address": each(
        lambda value: app(environment=[{"name": "DATABASE_URL", "value": value}]),
        ("postgres://db.example.com:5432/web", "https://example.com/a:b@c"),
        ("postgres://web:hunter2@db:5432/web", "redis://:hunter2@cache"),
        hint(f"{HERE}.environment[0].value", "plain-secret"),
    ),
    "secret in an option": each(
        lambda name: app(logConfiguration={"logDriver": "splunk", "options": {name: "x"}}),
        ("splunk-url", "splunk-sourcetype"),
        "splunk-token",
        hint(f"{HERE}.logConfiguration.options['splunk-token']", "plain-secret"),
    ),
    "secret in a variable": each(
        lambda name: app(environment=variables(name)),
        ("MODE", "TOKEN_URL", "PASSWORD_FILE", "MONKEY"),
        ("DB_PASSWORD", "API_KEY", "GITHUB_TOKEN", "client_secret"),
        hint(f"{HERE}.environment[0].value", "plain-secret"),
    ),
    "port of two containers": each(
        lambda number: fargate(container(portMappings=[port(80)]), container("b", portMappings=[port(number)])),
        81,
        80,
        hint("containerDefinitions[1].portMappings[0].containerPort", "port-shared"),
    ),
    "health check": each(
        lambda command: app(healthCheck={"command": command}),
        (["CMD", "/healthcheck"], ["CMD-SHELL", "/healthcheck"]),
        (["/healthcheck"], ["exit 0"]),
        hint(f"{HERE}.healthCheck.command", "health-check"),
    ),
    "protocol": each(
        lambda protocol: app(portMappings=[port(80, protocol=protocol)]),
        ("tcp", "udp"),
        ("http", "TCP"),
        hint(f"{HERE}.portMappings[0].protocol", "protocol"),
    ),
    "unknown member": [
        (app(environment=[]), app(**{name: []}), {hint(f"{HERE}.{name}", "unknown-member")})
        for name in ("enviroment", "Environment", "environment_files")
    ],
    "unknown member of the task": [
        (fargate(), fargate(requiresCompatibilites=["EC2"]), {hint("requiresCompatibilites", "unknown-member")})
    ],
}
"""By what they are about: the right one, the wrong one, and what is found in it."""
