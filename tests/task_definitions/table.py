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

HERE = "container_definitions[0]"
Findings = set[tuple[str, str]]

WRONG: dict[str, tuple[Wire, Findings]] = {
    "no containers": ({"family": "web", "containerDefinitions": []}, {("container_definitions", "containers")}),
    "a family with a blank": (ec2(family="my web"), {("family", "family")}),
    "a long family": (ec2(family="a" * 256), {("family", "family")}),
    "a container without a name": (
        ec2({"image": "nginx"}, container("b")),
        {(f"{HERE}.name", "container-name")},
    ),
    "names of containers": (
        ec2(container("a.b"), container("")),
        {(f"{HERE}.name", "container-name"), ("container_definitions[1].name", "container-name")},
    ),
    "two of a name": (
        ec2(container(), container()),
        {(f"{HERE}.name", "unique-containers"), ("container_definitions[1].name", "unique-containers")},
    ),
    "images": (
        ec2({"name": "a"}, container("b", image=""), container("c", image="i" * 256)),
        {(f"container_definitions[{i}].image", "image") for i in range(3)},
    ),
    "none is essential": (ec2(container(essential=False)), {("container_definitions", "essential")}),
    "no memory": (
        {"family": "web", "containerDefinitions": [container(), container("b", memory=0)]},
        {
            (f"{HERE}.memory", "container-memory"),
            ("container_definitions[1].memory", "container-memory"),
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
    "Fargate in a bridge": (fargate(networkMode="bridge"), {("network_mode", "fargate-network-mode")}),
    "Fargate without a network mode": (
        {**ec2(), "requiresCompatibilities": ["FARGATE"], "cpu": "256"},
        {("network_mode", "fargate-network-mode")},
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
                "disable_networking",
                "dns_servers",
                "docker_security_options",
                "hostname",
                "linux_parameters.max_swap",
                "linux_parameters.shared_memory_size",
                "linux_parameters.swappiness",
                "links",
                "privileged",
            )
        }
        | {
            ("ipc_mode", "fargate-unsupported"),
            ("pid_mode", "fargate-unsupported"),
            ("placement_constraints", "fargate-unsupported"),
            ("volumes[0].docker_volume_configuration", "fargate-unsupported"),
            ("volumes[1].host.source_path", "fargate-unsupported"),
        },
    ),
    "capabilities on Fargate": (
        fargate(container(linuxParameters={"capabilities": {"add": ["NET_ADMIN", "SYS_PTRACE", "TOMORROW"]}})),
        {(f"{HERE}.linux_parameters.capabilities.add", "fargate-capabilities")},
    ),
    "time to stop on Fargate": (
        fargate(container(stopTimeout=121, startTimeout=1)),
        {(f"{HERE}.stop_timeout", "fargate-timeouts"), (f"{HERE}.start_timeout", "fargate-timeouts")},
    ),
    "log drivers": (
        fargate(container(logConfiguration={"logDriver": "syslog"})),
        {(f"{HERE}.log_configuration.log_driver", "log-driver")},
    ),
    "log drivers of managed instances": (
        ec2(container(logConfiguration={"logDriver": "gelf"}), requiresCompatibilities=["MANAGED_INSTANCES"]),
        {(f"{HERE}.log_configuration.log_driver", "log-driver")},
    ),
    "logs without a group, prefix and role": (
        fargate(container(logConfiguration={"logDriver": "awslogs", "options": {"awslogs-region": "eu-west-1"}})),
        {
            (f"{HERE}.log_configuration.options", "log-options"),
            (f"{HERE}.log_configuration", "execution-role"),
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
            for name in ("secrets", "repository_credentials", "log_configuration.secret_options")
        },
    ),
    "a configuration in S3 on Fargate": (
        fargate(container(firelensConfiguration={"type": "fluentd", "options": {"config-file-type": "s3"}})),
        {(f"{HERE}.firelens_configuration.options", "fargate-firelens")},
    ),
    "what Windows does not have": (
        ec2(
            container(user="me", linuxParameters={"initProcessEnabled": True}),
            pidMode="task",
            runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"},
        ),
        {
            (f"{HERE}.user", "windows-unsupported"),
            (f"{HERE}.linux_parameters", "windows-unsupported"),
            ("pid_mode", "windows-unsupported"),
        },
    ),
    "ports": (
        ec2(container(portMappings=[port(0), port(70000), port(80, hostPort=-1), {"hostPort": 80}])),
        {
            (f"{HERE}.port_mappings[0].container_port", "port"),
            (f"{HERE}.port_mappings[1].container_port", "port"),
            (f"{HERE}.port_mappings[2].host_port", "port"),
            (f"{HERE}.port_mappings[3].container_port", "port"),
        },
    ),
    "another port of the host": (
        fargate(container(portMappings=[port(80, hostPort=8080)])),
        {(f"{HERE}.port_mappings[0].host_port", "host-port")},
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
        {(f"{HERE}.port_mappings[{i}].container_port_range", "port-range") for i in range(4)}
        | {(f"{HERE}.port_mappings[3].host_port", "port-range")},
    ),
    "a port twice": (
        ec2(container(portMappings=[port(53), port(53, protocol="udp"), {"containerPortRange": "50-60"}])),
        {(f"{HERE}.port_mappings[1]", "port-twice"), (f"{HERE}.port_mappings[2]", "port-twice")},
    ),
    "names of ports": (
        fargate(container(portMappings=[port(80, name="-http"), port(81, name="HTTP"), port(82, name="a" * 65)])),
        {(f"{HERE}.port_mappings[{i}].name", "port-name") for i in range(3)},
    ),
    "ports without a network": (
        ec2(container(portMappings=[port()]), networkMode="none"),
        {(f"{HERE}.port_mappings", "no-network")},
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
            (f"{HERE}.extra_hosts", "awsvpc-unsupported"),
        },
    ),
    "a cycle": (
        ec2(
            container("a", dependsOn=[after("b")]),
            container("b", dependsOn=[after("c")]),
            container("c", dependsOn=[after("a")]),
            container("d", dependsOn=[after("a")]),
        ),
        {(f"container_definitions[{i}].depends_on", "depends-on-cycle") for i in range(3)},
    ),
    "after itself": (
        ec2(container("a", dependsOn=[after("a")])),
        {(f"{HERE}.depends_on", "depends-on-cycle")},
    ),
    "after an unknown container": (
        ec2(container(dependsOn=[after("ghost")])),
        {(f"{HERE}.depends_on[0].container_name", "depends-on-unknown")},
    ),
    "conditions that cannot come": (
        ec2(
            container(dependsOn=[after("b", "HEALTHY"), after("c", "COMPLETE"), after("d", "SUCCESS")]),
            container("b"),
            container("c"),
            container("d", essential=True),
        ),
        {
            (f"{HERE}.depends_on[0].condition", "depends-on-healthy"),
            (f"{HERE}.depends_on[1].condition", "depends-on-complete"),
            (f"{HERE}.depends_on[2].condition", "depends-on-complete"),
        },
    ),
    "health checks": (
        ec2(
            container(
                healthCheck={"command": ["curl"], "interval": 4, "timeout": 61, "retries": 0, "startPeriod": 301}
            ),
            container("b", healthCheck={"command": []}),
            container("c", healthCheck={"command": ["CMD"]}),
        ),
        {
            (f"{HERE}.health_check.{name}", "health-check")
            for name in ("command", "interval", "timeout", "retries", "start_period")
        }
        | {(f"container_definitions[{i}].health_check.command", "health-check") for i in (1, 2)},
    ),
    "restarts": (
        fargate(
            container(restartPolicy={"enabled": True, "restartAttemptPeriod": 59, "ignoredExitCodes": [*range(51)]})
        ),
        {
            (f"{HERE}.restart_policy.restart_attempt_period", "restart-policy"),
            (f"{HERE}.restart_policy.ignored_exit_codes", "restart-policy"),
        },
    ),
    "environment files": (
        ec2(container(environmentFiles=[{"type": "s3", "value": "arn:aws:s3:::b/web.txt"}] * 11)),
        {(f"{HERE}.environment_files", "environment-files")}
        | {(f"{HERE}.environment_files[{i}].value", "environment-files") for i in range(11)},
    ),
    "swap": (
        ec2(container(linuxParameters={"swappiness": 101, "maxSwap": -1})),
        {(f"{HERE}.linux_parameters.{name}", "swappiness") for name in ("swappiness", "max_swap")},
    ),
    "credential specs": (
        ec2(container(credentialSpecs=["credentialspec:a", "credentialspec:b"])),
        {(f"{HERE}.credential_specs", "credential-specs")},
    ),
    "storage": (fargate(ephemeralStorage={"sizeInGiB": 20}), {("ephemeral_storage.size_in_gib", "ephemeral-storage")}),
    "too much storage": (
        fargate(ephemeralStorage={"sizeInGiB": 201}),
        {("ephemeral_storage.size_in_gib", "ephemeral-storage")},
    ),
    "a volume that is not there": (
        fargate(container(mountPoints=[{"sourceVolume": "data", "containerPath": "/data"}])),
        {(f"{HERE}.mount_points[0].source_volume", "mount-points")},
    ),
    "volumes from an unknown container and itself": (
        ec2(container(volumesFrom=[{"sourceContainer": "ghost"}, {"sourceContainer": "app"}])),
        {(f"{HERE}.volumes_from[{i}].source_container", "volumes-from") for i in range(2)},
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
            ("volumes[3].configured_at_launch", "volumes-at-launch"),
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
            ("volumes[0].efs_volume_configuration.root_directory", "efs-access-point"),
            ("volumes[0].efs_volume_configuration.transit_encryption", "efs-encryption"),
            ("volumes[1].efs_volume_configuration.transit_encryption", "efs-encryption"),
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
            ("volumes[0].s3files_volume_configuration", "s3files"),
            ("volumes[0].s3files_volume_configuration.root_directory", "s3files"),
        },
    ),
    "constraints": (
        ec2(placementConstraints=[{"type": "memberOf", "expression": str(i)} for i in range(11)]),
        {("placement_constraints", "placement-constraints")},
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
            ("tags[0].key", "tags"),
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
        {("trusted_execution_configuration.attestation_policy", "attestation-policy")},
    ),
}
"""These are wrong, each with what is to be found."""
