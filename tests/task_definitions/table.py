"""Definitions as people write them, right and wrong, and what is to be found in them: pairs of path and rule."""

from __future__ import annotations

from typing import Any

from .support import Wire, container, ec2, fargate

LOGS = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": "/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web"},
}
ROLE = "arn:aws:iam::123456789012:role/web"
CHECK = {"command": ["CMD-SHELL", "curl -f http://localhost/ || exit 1"]}
EFS = {"fileSystemId": "fs-1", "transitEncryption": "ENABLED", "authorizationConfig": {"accessPointId": "fsap-1"}}


def port(container_port: Any = 80, **members: Any) -> Wire:
    """Return a port mapping."""
    return {"containerPort": container_port, **members}


def after(name: str, condition: str = "START") -> Wire:
    """Return a dependency."""
    return {"containerName": name, "condition": condition}


RIGHT: dict[str, Wire] = {
    "the least for EC2": {"family": "a", "containerDefinitions": [container(memory=4)]},
    "the least for Fargate": fargate(),
    "vCPU and GB": fargate(cpu=".25 vCPU", memory="0.5 GB"),
    "the largest for Fargate": fargate(cpu="16 vCPU", memory="120GB"),
    "Windows on Fargate": fargate(
        cpu="1024", memory="2048", runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}
    ),
    "for EC2 and Fargate": fargate(
        container(portMappings=[port(hostPort=80)]), requiresCompatibilities=["EC2", "FARGATE"]
    ),
    "links and dynamic ports": ec2(
        container(links=["db"], portMappings=[port(), port(81, hostPort=0), port(82, hostPort=8082)]),
        container("db"),
        networkMode="bridge",
    ),
    "a range of ports": fargate(container(portMappings=[{"containerPortRange": "8000-8010"}, port(80)])),
    "a named port": fargate(container(portMappings=[port(name="http_80-a", appProtocol="http2", protocol="tcp")])),
    "one port in two containers' own bridges": ec2(
        container(portMappings=[port()]), container("b", portMappings=[port()])
    ),
    "no network": ec2(networkMode="none"),
    "a host's ports": ec2(container(portMappings=[port(hostPort=80)]), networkMode="host"),
    "an order of starting": fargate(
        container(dependsOn=[after("init", "SUCCESS"), after("db", "HEALTHY")]),
        container("init", essential=False, dependsOn=[after("db")]),
        container("db", healthCheck=CHECK),
    ),
    "logs": fargate(container(logConfiguration=LOGS), executionRoleArn=ROLE),
    "logs for EC2": ec2(container(logConfiguration={"logDriver": "json-file", "options": {"max-size": "10m"}})),
    "secrets": fargate(container(secrets=[{"name": "TOKEN", "valueFrom": "token"}]), executionRoleArn=ROLE),
    "a health check with everything": fargate(
        container(healthCheck={**CHECK, "interval": 5, "timeout": 60, "retries": 10, "startPeriod": 300})
    ),
    "volumes of all kinds": ec2(
        container(mountPoints=[{"sourceVolume": "data", "containerPath": "/data"}]),
        container("b", volumesFrom=[{"sourceContainer": "app", "readOnly": True}]),
        volumes=[
            {"name": "data"},
            {"name": "host", "host": {"sourcePath": "/var"}},
            {"name": "docker", "dockerVolumeConfiguration": {"scope": "task"}},
            {"name": "efs", "efsVolumeConfiguration": EFS},
            {"name": "ebs", "configuredAtLaunch": True},
        ],
    ),
    "a file system on Fargate": fargate(volumes=[{"name": "efs", "efsVolumeConfiguration": EFS}]),
    "storage": fargate(ephemeralStorage={"sizeInGiB": 21}),
    "time to stop": fargate(container(stopTimeout=120, startTimeout=2)),
    "time to stop on EC2": ec2(container(stopTimeout=3600)),
    "ptrace": fargate(
        container(
            linuxParameters={"capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}, "initProcessEnabled": True}
        )
    ),
    "privileged, where it can be": ec2(container(privileged=True, hostname="h", dnsServers=["10.0.0.2"])),
    "what is off needs no support": fargate(container(privileged=False, links=[], hostname="")),
    "a router of logs": fargate(
        container(logConfiguration={"logDriver": "awsfirelens", "options": {"Name": "datadog"}}),
        container("router", firelensConfiguration={"type": "fluentbit", "options": {"config-file-type": "file"}}),
    ),
    "a container that restarts": fargate(container(restartPolicy={"enabled": True, "restartAttemptPeriod": 60})),
    "tags": fargate(tags=[{"key": "team", "value": "data"}, {"key": "stage"}]),
    "a digest": fargate(container(image="repo.example.com/app@sha256:" + "a" * 64)),
    "environment files": fargate(container(environmentFiles=[{"type": "s3", "value": "arn:aws:s3:::b/web.env"}])),
}
"""Valid definitions, without findings."""

TOMORROW: dict[str, Wire] = {
    "a condition of tomorrow": ec2(container(dependsOn=[after("db", "WARM")]), container("db")),
    "values of tomorrow": {
        **fargate(container(logConfiguration={"logDriver": "quantum"})),
        "runtimePlatform": {"operatingSystemFamily": "BEOS", "cpuArchitecture": "RISCV"},
    },
    "a network mode of tomorrow": ec2(networkMode="mesh"),
    "members of tomorrow": fargate(container(tomorrow={"a": [1]})),
}
"""Nothing is found in these either, because the values are unknown to the rules. The simulator rejects them."""

HERE = "containerDefinitions[0]"
Findings = set[tuple[str, str]]

WRONG: dict[str, tuple[Wire, Findings]] = {
    "no containers": ({"family": "web", "containerDefinitions": []}, {("containerDefinitions", "containers")}),
    "a family with a blank": (ec2(family="my web"), {("family", "family")}),
    "a value in another case": (
        {**fargate(), "requiresCompatibilities": ["fargate"]},
        {("requiresCompatibilities[0]", "enum")},
    ),
    "empty values": (ec2(pidMode="", ipcMode=""), {("pidMode", "enum"), ("ipcMode", "enum")}),
    "a ulimit that does not exist": (
        ec2(container(ulimits=[{"name": "files", "softLimit": 1, "hardLimit": 1}])),
        {(f"{HERE}.ulimits[0].name", "enum")},
    ),
    "placeholders": (
        fargate(container(image="web:${TAG}", secrets=[{"name": "A", "valueFrom": "<ARN>"}]), executionRoleArn="$ROLE"),
        {
            (f"{HERE}.image", "placeholder"),
            (f"{HERE}.secrets[0].valueFrom", "placeholder"),
            ("executionRoleArn", "placeholder"),
        },
    ),
    "too many containers": (
        ec2(*(container(f"c{i}") for i in range(11))),
        {("containerDefinitions", "containers")},
    ),
    "a long definition": (
        ec2(container(command=["x" * 65536])),
        {("", "definition-size")},
    ),
    "roles of no account": (
        ec2(taskRoleArn="arn:aws:iam::ACCOUNT:role/web", executionRoleArn="arn:aws:iam::123456789012:user/web"),
        {("taskRoleArn", "role"), ("executionRoleArn", "role")},
    ),
    "a proxy that is not there": (
        ec2(proxyConfiguration={"containerName": "envoy"}),
        {
            ("proxyConfiguration.containerName", "proxy-container"),
            ("proxyConfiguration", "proxy-network-mode"),
            ("proxyConfiguration.properties", "proxy-ports"),
        },
    ),
    "anywhere in awsvpc": (
        ec2(networkMode="awsvpc", requiresCompatibilities=["EXTERNAL"]),
        {("networkMode", "external-network-mode")},
    ),
    "digests": (
        ec2(container(image="web@sha256:abc"), container("b", image="web@md5:" + "a" * 64)),
        {(f"containerDefinitions[{i}].image", "image-digest") for i in range(2)},
    ),
    "ulimits": (
        ec2(
            container(
                ulimits=[
                    {"name": "nofile", "softLimit": 2, "hardLimit": 1},
                    {"name": "nofile", "softLimit": 1, "hardLimit": 1},
                ]
            )
        ),
        {(f"{HERE}.ulimits[0].softLimit", "ulimits"), (f"{HERE}.ulimits[1].name", "ulimits")},
    ),
    "kernel parameters of the host": (
        ec2(
            container(
                systemControls=[
                    {"namespace": "net.core.somaxconn", "value": "1"},
                    {"namespace": "kernel.shmmax", "value": "1"},
                ]
            ),
            networkMode="host",
            ipcMode="host",
        ),
        {(f"{HERE}.systemControls[{i}].namespace", "system-controls") for i in range(2)},
    ),
    "variables without a name": (
        ec2(container(environment=[{"value": "a"}, {"name": "", "value": "b"}])),
        {(f"{HERE}.environment[{i}].name", "variable-names") for i in range(2)},
    ),
    "names of secrets": (
        ec2(
            container(
                environment=[{"name": "A", "value": "a"}],
                secrets=[{"name": name, "valueFrom": "/a"} for name in "ABB"],
            ),
            executionRoleArn=ROLE,
        ),
        {(f"{HERE}.secrets[0].name", "secret-names"), (f"{HERE}.secrets[2].name", "secret-names")},
    ),
    "where secrets come from": (
        ec2(
            container(
                secrets=[
                    {"name": "A", "valueFrom": "arn:aws:secretsmanager:eu-west-1:ACCOUNT:secret:a"},
                    {"name": "B", "valueFrom": "two words"},
                ]
            ),
            executionRoleArn=ROLE,
        ),
        {(f"{HERE}.secrets[{i}].valueFrom", "value-from") for i in range(2)},
    ),
    "a path of the host that is empty": (
        ec2(volumes=[{"name": "a", "host": {"sourcePath": ""}}]),
        {("volumes[0].host.sourcePath", "host-path")},
    ),
    "a port of a file system": (
        fargate(
            volumes=[{"name": "a", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "transitEncryptionPort": 65536}}]
        ),
        {("volumes[0].efsVolumeConfiguration.transitEncryptionPort", "efs-port")},
    ),
    "a volume that is not made": (
        ec2(volumes=[{"name": "a", "dockerVolumeConfiguration": {"scope": "task", "autoprovision": False}}]),
        {("volumes[0].dockerVolumeConfiguration.autoprovision", "autoprovision")},
    ),
    "a long family": (ec2(family="a" * 256), {("family", "family")}),
    "a container without a name": (
        ec2({"image": "nginx"}, container("b")),
        {(f"{HERE}.name", "container-name")},
    ),
    "names of containers": (
        ec2(container("a.b"), container("")),
        {(f"{HERE}.name", "container-name"), ("containerDefinitions[1].name", "container-name")},
    ),
    "two of a name": (
        ec2(container(), container()),
        {("containerDefinitions[1].name", "unique-containers")},
    ),
    "images": (
        ec2({"name": "a"}, container("b", image=""), container("c", image="i" * 256)),
        {(f"containerDefinitions[{i}].image", "image") for i in range(3)},
    ),
    "none is essential": (ec2(container(essential=False)), {("containerDefinitions", "essential")}),
    "no memory": (
        {"family": "web", "containerDefinitions": [container(), container("b", memory=0)]},
        {
            (f"{HERE}.memory", "container-memory"),
            ("containerDefinitions[1].memory", "container-memory"),
        },
    ),
    "too little memory": (ec2(container(memory=3)), {(f"{HERE}.memory", "container-memory")}),
    "less than what is reserved": (
        ec2(container(memory=64, memoryReservation=128)),
        {(f"{HERE}.memory", "container-memory")},
    ),
    "more than the task has": (
        ec2(container(memoryReservation=300), container("b", memory=300)),
        {("memory", "memory-sum")},
    ),
    "sizes that are none": (ec2(cpu="much", memory="1 TB"), {("cpu", "task-size"), ("memory", "task-size")}),
    "a size with too many digits": (ec2(cpu="9" * 5000), {("cpu", "task-size")}),
    "less than a task can have": (ec2(cpu="64"), {("cpu", "task-size")}),
    "Fargate without sizes": (
        {
            "family": "a",
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "containerDefinitions": [container(memory=64)],
        },
        {("cpu", "fargate-size"), ("memory", "fargate-size")},
    ),
    "CPU that Fargate does not have": (fargate(cpu="300"), {("cpu", "fargate-size")}),
    "memory that does not go with it": (fargate(memory="4096"), {("memory", "fargate-size")}),
    "memory between the steps": (fargate(cpu="8192", memory="17408"), {("memory", "fargate-size")}),
    "CPU that Windows does not have": (
        fargate(runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2019_FULL"}),
        {("cpu", "fargate-size")},
    ),
    "more CPU than the task has": (fargate(container(cpu=200), container("b", cpu=100)), {("cpu", "fargate-cpu-sum")}),
    "Fargate in a bridge": (fargate(networkMode="bridge"), {("networkMode", "fargate-network-mode")}),
    "Fargate without a network mode": (
        {**ec2(), "requiresCompatibilities": ["FARGATE"], "cpu": "256"},
        {("networkMode", "fargate-network-mode")},
    ),
    "what Fargate does not have": (
        fargate(
            container(
                privileged=True,
                links=["b"],
                hostname="h",
                dnsServers=["1.1.1.1"],
                disableNetworking=True,
                dockerSecurityOptions=["no-new-privileges"],
                linuxParameters={"maxSwap": 0, "swappiness": 0, "sharedMemorySize": 64},
            ),
            container("b"),
            ipcMode="task",
            pidMode="host",
            placementConstraints=[{"type": "memberOf", "expression": "true"}],
            volumes=[
                {"name": "a", "dockerVolumeConfiguration": {}},
                {"name": "b", "host": {"sourcePath": "/var"}},
            ],
        ),
        {
            (f"{HERE}.{name}", "fargate-unsupported")
            for name in (
                "disableNetworking",
                "dnsServers",
                "dockerSecurityOptions",
                "hostname",
                "linuxParameters.maxSwap",
                "linuxParameters.sharedMemorySize",
                "linuxParameters.swappiness",
                "links",
                "privileged",
            )
        }
        | {
            ("ipcMode", "fargate-unsupported"),
            ("pidMode", "fargate-unsupported"),
            ("placementConstraints", "fargate-unsupported"),
            ("volumes[0].dockerVolumeConfiguration", "fargate-unsupported"),
            ("volumes[1].host.sourcePath", "fargate-unsupported"),
        },
    ),
    "capabilities on Fargate": (
        fargate(container(linuxParameters={"capabilities": {"add": ["NET_ADMIN", "SYS_PTRACE", "TOMORROW"]}})),
        {(f"{HERE}.linuxParameters.capabilities.add", "fargate-capabilities")},
    ),
    "time to stop on Fargate": (
        fargate(container(stopTimeout=121, startTimeout=1)),
        {(f"{HERE}.stopTimeout", "fargate-timeouts"), (f"{HERE}.startTimeout", "fargate-timeouts")},
    ),
    "a router without logs": (
        fargate(container(), container("router", firelensConfiguration={"type": "fluentbit"})),
        {("containerDefinitions[1].firelensConfiguration", "firelens")},
    ),
    "logs without a router": (
        fargate(container(logConfiguration={"logDriver": "awsfirelens"})),
        {(f"{HERE}.logConfiguration.logDriver", "firelens")},
    ),
    "log drivers": (
        fargate(container(logConfiguration={"logDriver": "syslog"})),
        {(f"{HERE}.logConfiguration.logDriver", "log-driver")},
    ),
    "log drivers of managed instances": (
        ec2(container(logConfiguration={"logDriver": "gelf"}), requiresCompatibilities=["MANAGED_INSTANCES"]),
        {(f"{HERE}.logConfiguration.logDriver", "log-driver")},
    ),
    "logs without a group, prefix and role": (
        fargate(container(logConfiguration={"logDriver": "awslogs", "options": {"awslogs-region": "eu-west-1"}})),
        {
            (f"{HERE}.logConfiguration.options", "log-options"),
            (f"{HERE}.logConfiguration.logDriver", "execution-role"),
        },
    ),
    "secrets without a role": (
        ec2(
            container(
                secrets=[{"name": "A", "valueFrom": "a"}],
                repositoryCredentials={"credentialsParameter": "arn"},
                logConfiguration={"logDriver": "splunk", "secretOptions": [{"name": "token", "valueFrom": "a"}]},
            )
        ),
        {
            (f"{HERE}.{name}", "execution-role")
            for name in ("secrets", "repositoryCredentials", "logConfiguration.secretOptions")
        },
    ),
    "a configuration in S3 on Fargate": (
        fargate(
            container(firelensConfiguration={"type": "fluentd", "options": {"config-file-type": "s3"}}),
            container("b", logConfiguration={"logDriver": "awsfirelens"}),
        ),
        {(f"{HERE}.firelensConfiguration.options", "fargate-firelens")},
    ),
    "what Windows does not have": (
        ec2(
            container(user="me", linuxParameters={"initProcessEnabled": True}),
            pidMode="task",
            runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"},
        ),
        {
            (f"{HERE}.user", "windows-unsupported"),
            (f"{HERE}.linuxParameters", "windows-unsupported"),
            ("pidMode", "windows-unsupported"),
        },
    ),
    "ports": (
        ec2(container(portMappings=[port(0), port(70000), port(80, hostPort=-1), {"hostPort": 80}])),
        {
            (f"{HERE}.portMappings[0].containerPort", "port"),
            (f"{HERE}.portMappings[1].containerPort", "port"),
            (f"{HERE}.portMappings[2].hostPort", "port"),
            (f"{HERE}.portMappings[3].containerPort", "port"),
        },
    ),
    "another port of the host": (
        fargate(container(portMappings=[port(80, hostPort=8080)])),
        {(f"{HERE}.portMappings[0].hostPort", "host-port")},
    ),
    "ranges of ports": (
        ec2(
            container(
                portMappings=[
                    {"containerPortRange": "90-80"},
                    {"containerPortRange": "80"},
                    {"containerPortRange": "100-70000"},
                    {"containerPortRange": "5-6", "hostPort": 5},
                ]
            ),
            networkMode="host",
        ),
        {(f"{HERE}.portMappings[{i}].containerPortRange", "port-range") for i in range(4)}
        | {(f"{HERE}.portMappings[3].hostPort", "port-range")},
    ),
    "a port twice": (
        ec2(container(portMappings=[port(53), port(53, protocol="tcp"), {"containerPortRange": "50-60"}])),
        {(f"{HERE}.portMappings[1]", "port-twice"), (f"{HERE}.portMappings[2]", "port-twice")},
    ),
    "names of ports": (
        fargate(container(portMappings=[port(80, name="-http"), port(81, name="HTTP"), port(82, name="a" * 65)])),
        {(f"{HERE}.portMappings[{i}].name", "port-name") for i in range(3)},
    ),
    "ports without a network": (
        ec2(container(portMappings=[port()]), networkMode="none"),
        {(f"{HERE}.portMappings", "no-network")},
    ),
    "links and names of hosts in awsvpc": (
        ec2(
            container(links=["b"], hostname="h", extraHosts=[{"hostname": "x", "ipAddress": "10.0.0.1"}]),
            container("b"),
            networkMode="awsvpc",
        ),
        {
            (f"{HERE}.links", "links"),
            (f"{HERE}.hostname", "awsvpc-unsupported"),
            (f"{HERE}.extraHosts", "awsvpc-unsupported"),
        },
    ),
    "a cycle": (
        ec2(
            container("a", dependsOn=[after("b")]),
            container("b", dependsOn=[after("c")]),
            container("c", dependsOn=[after("a")]),
            container("d", dependsOn=[after("a")]),
        ),
        {(f"containerDefinitions[{i}].dependsOn", "depends-on-cycle") for i in range(3)},
    ),
    "after itself": (
        ec2(container("a", dependsOn=[after("a")])),
        {(f"{HERE}.dependsOn", "depends-on-cycle")},
    ),
    "after an unknown container": (
        ec2(container(dependsOn=[after("ghost")])),
        {(f"{HERE}.dependsOn[0].containerName", "depends-on-unknown")},
    ),
    "conditions that cannot come": (
        ec2(
            container(dependsOn=[after("b", "HEALTHY"), after("c", "COMPLETE"), after("d", "SUCCESS")]),
            container("b"),
            container("c"),
            container("d", essential=True),
        ),
        {
            (f"{HERE}.dependsOn[0].condition", "depends-on-healthy"),
            (f"{HERE}.dependsOn[1].condition", "depends-on-complete"),
            (f"{HERE}.dependsOn[2].condition", "depends-on-complete"),
        },
    ),
    "health checks": (
        ec2(
            container(
                healthCheck={"command": ["curl", "-f"], "interval": 4, "timeout": 61, "retries": 0, "startPeriod": 301}
            ),
            container("b", healthCheck={"command": []}),
            container("c", healthCheck={"command": ["CMD"]}),
        ),
        {
            (f"{HERE}.healthCheck.{name}", "health-check")
            for name in ("command", "interval", "timeout", "retries", "startPeriod")
        }
        | {(f"containerDefinitions[{i}].healthCheck.command", "health-check") for i in (1, 2)},
    ),
    "restarts": (
        fargate(
            container(restartPolicy={"enabled": True, "restartAttemptPeriod": 59, "ignoredExitCodes": [*range(51)]})
        ),
        {
            (f"{HERE}.restartPolicy.restartAttemptPeriod", "restart-policy"),
            (f"{HERE}.restartPolicy.ignoredExitCodes", "restart-policy"),
        },
    ),
    "environment files": (
        ec2(container(environmentFiles=[{"type": "s3", "value": "arn:aws:s3:::b/web.txt"}] * 11)),
        {(f"{HERE}.environmentFiles", "environment-files")}
        | {(f"{HERE}.environmentFiles[{i}].value", "environment-files") for i in range(11)},
    ),
    "swap": (
        ec2(container(linuxParameters={"swappiness": 101, "maxSwap": -1})),
        {(f"{HERE}.linuxParameters.{name}", "swappiness") for name in ("swappiness", "maxSwap")},
    ),
    "credential specs": (
        ec2(container(credentialSpecs=["credentialspec:a", "credentialspec:b"])),
        {(f"{HERE}.credentialSpecs", "credential-specs")},
    ),
    "storage": (fargate(ephemeralStorage={"sizeInGiB": 20}), {("ephemeralStorage.sizeInGiB", "ephemeral-storage")}),
    "too much storage": (
        fargate(ephemeralStorage={"sizeInGiB": 201}),
        {("ephemeralStorage.sizeInGiB", "ephemeral-storage")},
    ),
    "a volume that is not there": (
        fargate(container(mountPoints=[{"sourceVolume": "data", "containerPath": "/data"}])),
        {(f"{HERE}.mountPoints[0].sourceVolume", "mount-points")},
    ),
    "volumes from an unknown container and itself": (
        ec2(container(volumesFrom=[{"sourceContainer": "ghost"}, {"sourceContainer": "app"}])),
        {(f"{HERE}.volumesFrom[{i}].sourceContainer", "volumes-from") for i in range(2)},
    ),
    "volumes": (
        ec2(
            volumes=[
                {"name": "a b"},
                {"name": "two", "host": {}, "efsVolumeConfiguration": EFS},
                {"name": "ebs", "configuredAtLaunch": True},
                {"name": "more", "configuredAtLaunch": True},
                {"efsVolumeConfiguration": EFS},
            ]
        ),
        {
            ("volumes[0].name", "volume-name"),
            ("volumes[1]", "volume-kind"),
            ("volumes[3].configuredAtLaunch", "volumes-at-launch"),
            ("volumes[4].name", "volume-name"),
        },
    ),
    "an access point": (
        fargate(
            volumes=[
                {
                    "name": "efs",
                    "efsVolumeConfiguration": {
                        "fileSystemId": "fs-1",
                        "rootDirectory": "/data",
                        "authorizationConfig": {"accessPointId": "fsap-1"},
                    },
                },
                {
                    "name": "iam",
                    "efsVolumeConfiguration": {"fileSystemId": "fs-1", "authorizationConfig": {"iam": "ENABLED"}},
                },
            ]
        ),
        {
            ("volumes[0].efsVolumeConfiguration.rootDirectory", "efs-access-point"),
            ("volumes[0].efsVolumeConfiguration.transitEncryption", "efs-encryption"),
            ("volumes[1].efsVolumeConfiguration.transitEncryption", "efs-encryption"),
        },
    ),
    "a file system in S3": (
        fargate(
            volumes=[
                {
                    "name": "s3",
                    "s3filesVolumeConfiguration": {"fileSystemArn": "a", "accessPointArn": "b", "rootDirectory": "/x"},
                }
            ]
        ),
        {
            ("volumes[0].s3filesVolumeConfiguration", "s3files"),
            ("volumes[0].s3filesVolumeConfiguration.rootDirectory", "s3files"),
        },
    ),
    "constraints": (
        ec2(placementConstraints=[{"type": "memberOf", "expression": str(i)} for i in range(11)]),
        {("placementConstraints", "placement-constraints")},
    ),
    "tags": (
        ec2(
            tags=[
                {"key": "a"},
                {"key": "a"},
                {"key": "AWS:x"},
                {"key": "k" * 129},
                {"key": "v", "value": "v" * 257},
                *({"key": f"more-{i}"} for i in range(46)),
            ]
        ),
        {
            ("tags", "tags"),
            ("tags[1].key", "tags"),
            ("tags[2].key", "tags"),
            ("tags[3].key", "tags"),
            ("tags[4].value", "tags"),
        },
    ),
    "a sandbox without a policy": (
        ec2(
            requiresCompatibilities=["MANAGED_INSTANCES"],
            trustedExecutionConfiguration={"isolationMode": "CONFIDENTIAL_SANDBOX"},
        ),
        {("trustedExecutionConfiguration.attestationPolicy", "attestation-policy")},
    ),
}
"""These are wrong, each with what is to be found."""
