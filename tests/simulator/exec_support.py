"""Support for the tests of ECS Exec in the simulator: a client's end of a session, on a manual clock."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from typing import Any

from ecskit._data_channel.channel import DataChannel
from ecskit._data_channel.events import Event, KeyRequested, Output
from ecskit._data_channel.frames import INPUT, Frame, PayloadType, decode, encode, read_json
from ecskit._simulator.exec.session import Connection

from .support import World

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"


def launch(world: World, *, key: str | None = None, **members: Any) -> str:
    """Launch a task with ECS Exec, in a cluster with or without a key, and return its ARN once it runs."""
    cluster = "default"
    if key is not None:
        cluster = "sealed"
        world.do("CreateCluster", clusterName=cluster, configuration={"executeCommandConfiguration": {"kmsKeyId": key}})
    world.register()
    arn = world.run_one(cluster=cluster, enableExecuteCommand=True, **members)
    world.pass_(60)
    return arn


class Peer:
    """A client's end of one session."""

    def __init__(self, world: World, task: str, command: str, *, cluster: str = "default", seed: int = 0) -> None:
        self.world = world
        answer = world.do("ExecuteCommand", cluster=cluster, task=task, command=command, interactive=True)
        self.session: dict[str, str] = answer["session"]
        self.began = world.clock.time
        self.events: list[Event] = []
        self.frames: list[Frame] = []
        """The frames that have arrived."""
        self.arrivals: list[float] = []
        """When frames have arrived, in seconds since ExecuteCommand."""
        self.keys: dict[str, Any] | None = None
        """Changes of the encryption context; None for a client that never answers for a key."""
        bits = random.Random(seed)
        self.channel = DataChannel(
            ids=iter(lambda: bits.getrandbits(128), -1), epoch=0.0, encrypted=cluster == "sealed"
        )
        self.connect(self.session["tokenValue"])

    def connect(self, token: str) -> Connection:
        """Begin a connection."""
        self.channel.connect(token)
        self.connection: Connection = self.world.sim._connection(self.session["streamUrl"])
        return self.connection

    @property
    def now(self) -> float:
        """Seconds since ExecuteCommand."""
        return self.world.clock.time - self.began

    @property
    def output(self) -> bytes:
        """All output."""
        return b"".join(each.data for each in self.events if isinstance(each, Output))

    def run(self, until: Callable[[], object] = lambda: False, *, seconds: float = 1000.0) -> list[Event]:
        """Let time pass until a condition holds, the channel ends, or the connection is closed. Return all events."""
        end = self.world.clock.time + seconds
        while True:
            self.step()
            if until() or self.channel.ended or self.connection.closed or self.world.clock.time >= end:
                return self.events
            moments = (self.channel.next_wakeup(), self.connection.next_moment(), end)
            self.world.clock.time = max(self.world.clock.time, min(moments))

    def step(self) -> None:
        """Send what is due, and take what has arrived."""
        now = self.world.clock.time
        for message in self.channel.messages(now):
            self.connection.send(message)
        arrived = self.connection.take()
        self.frames += [frame for each in arrived if isinstance(each, bytes) and (frame := decode(each))]
        self.arrivals += [self.now] * len(arrived)
        for event in self.channel.receive(arrived, now):
            self.events.append(event)
            if isinstance(event, KeyRequested) and self.keys is not None:
                self._provide(event)

    def _provide(self, event: KeyRequested) -> None:
        context = {"aws:ssm:SessionId": self.session["sessionId"], "aws:ssm:TargetId": target_of(self.world)}
        context |= {"aws:ssm:RandomChallenge": event.challenge} if event.challenge else {}
        context |= self.keys or {}
        found = self.world.do("GenerateDataKey", KeyId=event.key_id, NumberOfBytes=64, EncryptionContext=context)
        self.channel.provide_key(*(base64.b64decode(found[each]) for each in ("Plaintext", "CiphertextBlob")))


def target_of(world: World) -> str:
    """Return the target of the only task in the cluster with a key, as KMS knows it."""
    (arn,) = world.do("ListTasks", cluster="sealed")["taskArns"]
    (task,) = world.do("DescribeTasks", cluster="sealed", tasks=[arn])["tasks"]
    return f"ecs:sealed_{arn.rsplit('/', 1)[-1]}_{task['containers'][0]['runtimeId']}"


def frame(number: int, payload: bytes, payload_type: PayloadType = PayloadType.OUTPUT) -> bytes:
    """Return a frame of a client."""
    return encode(
        Frame(
            message_type=INPUT, message_id=number, created=1, number=number, payload_type=payload_type, payload=payload
        )
    )


def acknowledged(peer: Peer) -> list[int]:
    """Return the numbers that were acknowledged, in order."""
    contents = [read_json(each.payload) for each in peer.frames if each.message_type == "acknowledge"]
    return [each["AcknowledgedMessageSequenceNumber"] for each in contents]
