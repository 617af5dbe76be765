"""A simulated ECS control plane for tests without an AWS account: in a client's process or behind HTTP.

Each name loads on first use. pytest imports this package at every start, because the plugin is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._lazy import publish

if TYPE_CHECKING:
    from ecskit._core.quotas import PUBLISHED_QUOTAS, Quota
    from ecskit._simulator.attach import attach, attach_async
    from ecskit._simulator.botocore_events import Attachment
    from ecskit._simulator.deployment_script import DeploymentScript
    from ecskit._simulator.emitted_events import EmittedEvents
    from ecskit._simulator.errors import LostAnswerError, SimulatedError, SimulatorBug
    from ecskit._simulator.event_source import AsyncSimulatedReceiver, SimulatedReceiver, SimulatedSource
    from ecskit._simulator.exec.exec_script import ExecScript, ExecTool
    from ecskit._simulator.exec.executed import ExecCommand
    from ecskit._simulator.exec.programs import ExecProgram
    from ecskit._simulator.exec.terminal import ExecDialog
    from ecskit._simulator.faults import Fault
    from ecskit._simulator.log_behaviour import LogBehaviour
    from ecskit._simulator.read_options import Counting, Lag
    from ecskit._simulator.recorded_calls import Call
    from ecskit._simulator.resource_script import Progress, ResourceType
    from ecskit._simulator.scaled_clock import ScaledClock
    from ecskit._simulator.scheduler.service_states import DeploymentState, ServiceState
    from ecskit._simulator.server import SimulatorServer
    from ecskit._simulator.simulator import Simulator, simulated_operations
    from ecskit._simulator.sqs_target import sqs_target
    from ecskit._simulator.task_script import ExecAgentStatus, Health, LogEntry, TaskScript
    from ecskit._simulator.task_state import TaskState
    from ecskit._simulator.virtual_clock import VirtualClock
    from ecskit._simulator.wire import Response, Wire

__all__ = [
    "PUBLISHED_QUOTAS",
    "AsyncSimulatedReceiver",
    "Attachment",
    "Call",
    "Counting",
    "DeploymentScript",
    "DeploymentState",
    "EmittedEvents",
    "ExecAgentStatus",
    "ExecCommand",
    "ExecDialog",
    "ExecProgram",
    "ExecScript",
    "ExecTool",
    "Fault",
    "Health",
    "Lag",
    "LogBehaviour",
    "LogEntry",
    "LostAnswerError",
    "Progress",
    "Quota",
    "ResourceType",
    "Response",
    "ScaledClock",
    "ServiceState",
    "SimulatedError",
    "SimulatedReceiver",
    "SimulatedSource",
    "Simulator",
    "SimulatorBug",
    "SimulatorServer",
    "TaskScript",
    "TaskState",
    "VirtualClock",
    "Wire",
    "attach",
    "attach_async",
    "simulated_operations",
    "sqs_target",
]

publish(
    globals(),
    {
        "Wire": "ecskit._simulator.wire",
        "ResourceType": "ecskit._simulator.resource_script",
        "Health": "ecskit._simulator.task_script",
        "PUBLISHED_QUOTAS": "ecskit._core.quotas",
        "Attachment": "ecskit._simulator.botocore_events",
        "Call": "ecskit._simulator.recorded_calls",
        "Counting": "ecskit._simulator.read_options",
        "DeploymentScript": "ecskit._simulator.deployment_script",
        "DeploymentState": "ecskit._simulator.scheduler.service_states",
        "EmittedEvents": "ecskit._simulator.emitted_events",
        "ExecAgentStatus": "ecskit._simulator.task_script",
        "ExecCommand": "ecskit._simulator.exec.executed",
        "ExecDialog": "ecskit._simulator.exec.terminal",
        "ExecProgram": "ecskit._simulator.exec.programs",
        "ExecScript": "ecskit._simulator.exec.exec_script",
        "ExecTool": "ecskit._simulator.exec.exec_script",
        "Fault": "ecskit._simulator.faults",
        "Lag": "ecskit._simulator.read_options",
        "LogBehaviour": "ecskit._simulator.log_behaviour",
        "LogEntry": "ecskit._simulator.task_script",
        "LostAnswerError": "ecskit._simulator.errors",
        "Progress": "ecskit._simulator.resource_script",
        "Quota": "ecskit._core.quotas",
        "Response": "ecskit._simulator.wire",
        "ServiceState": "ecskit._simulator.scheduler.service_states",
        "ScaledClock": "ecskit._simulator.scaled_clock",
        "SimulatedError": "ecskit._simulator.errors",
        "AsyncSimulatedReceiver": "ecskit._simulator.event_source",
        "SimulatedReceiver": "ecskit._simulator.event_source",
        "SimulatedSource": "ecskit._simulator.event_source",
        "sqs_target": "ecskit._simulator.sqs_target",
        "Simulator": "ecskit._simulator.simulator",
        "SimulatorBug": "ecskit._simulator.errors",
        "SimulatorServer": "ecskit._simulator.server",
        "TaskScript": "ecskit._simulator.task_script",
        "TaskState": "ecskit._simulator.task_state",
        "VirtualClock": "ecskit._simulator.virtual_clock",
        "attach": "ecskit._simulator.attach",
        "attach_async": "ecskit._simulator.attach",
        "simulated_operations": "ecskit._simulator.simulator",
    },
)
