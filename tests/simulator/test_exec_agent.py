"""The agent of ECS Exec and the service before it, as a client's end of the data channel meets them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from random import Random

import pytest

from ecskit._data_channel.events import Ended, Opened, Output
from ecskit._data_channel.frames import CHANNEL_CLOSED, OUTPUT, PayloadType, decode
from ecskit._simulator.exec.pace import RealPace
from ecskit._simulator.exec.ways import ChannelFaults, Way
from ecskit.testing import ExecDialog, ExecProgram, ExecScript, TaskScript

from .exec_support import KEY, Peer, acknowledged, frame, launch
from .support import World


def opening(peer: Peer) -> str:
    return json.dumps({"MessageSchemaVersion": "1.0", "TokenValue": peer.session["tokenValue"]})


def test_output_comes_after_a_second_and_then_the_end(world: World) -> None:
    """The agent sleeps a second before it reads the terminal. `channel_closed` has the short header."""
    world.sim.script_exec("./manage.py check", "No issues.\n")
    peer = Peer(world, launch(world), "./manage.py check")
    peer.run(lambda: peer.output)
    assert 1.4 < peer.now < 1.7
    assert peer.run() == [Opened(), Output(b"No issues.\r\n"), Ended("")]
    closed = peer.frames[-1]
    assert (closed.message_type, closed.payload_type, closed.intact) == (CHANNEL_CLOSED, None, True)
    assert json.loads(closed.payload)["SessionId"] == peer.session["sessionId"]


def test_a_token_is_good_for_one_connection(world: World) -> None:
    """A wrong token, a used one, a missing one and an unknown session close the connection."""
    arn = launch(world)
    peer = Peer(world, arn, "sh")
    peer.step()
    assert peer.connection.closed is None
    for message in (opening(peer), "{}", "no JSON", frame(0, b"early")):
        again = world.sim._connection(peer.session["streamUrl"])
        again.send(message)
        assert again.closed == (1008, "the token is not valid")
    unknown = world.sim._connection("ws://127.0.0.1/v1/data-channel/nope?role=publish_subscribe")
    unknown.send(opening(peer))
    assert unknown.closed == (1008, "there is no such session")


def test_early_input_is_acknowledged_and_lost_or_refused(world: World) -> None:
    """Before the agent has decided about the handshake, input is lost. Until the terminal is up, it is refused."""
    world.sim.script_exec("cat", ExecScript.echoing())
    peer = Peer(world, launch(world), "cat")
    peer.step()
    world.pass_(0.31)  # the agent is connected
    peer.connection.send(frame(0, b"lost\n"))
    world.pass_(0.1)  # it has decided
    peer.connection.send(frame(1, b"refused\n"))
    peer.connection.send(frame(2, b"ahead\n"))
    peer.run(seconds=3)
    assert acknowledged(peer) == [0, 2]
    peer.connection.send(frame(1, b"again\n"))
    peer.run(seconds=1)
    assert acknowledged(peer) == [0, 2, 1]
    assert peer.output == b"again\r\nahead\r\nagain\r\nahead\r\n"


def test_what_was_held_while_the_terminal_was_not_up_is_stuck(world: World) -> None:
    """A message that was acknowledged ahead of its turn is not looked at again before another one arrives."""
    world.sim.script_exec("cat", ExecScript.echoing())
    peer = Peer(world, launch(world), "cat")
    peer.step()
    world.pass_(0.38)
    peer.connection.send(frame(1, b"ahead\n"))
    peer.run(seconds=5)
    assert (acknowledged(peer), peer.output) == ([1], b"")


@pytest.mark.parametrize("repeats", [True, False])
def test_duplicates(world: World, *, repeats: bool) -> None:
    """The agent drops duplicates, or acknowledges them again as others may; it writes them once."""
    world.sim.script_exec("cat", ExecScript.echoing())
    world.sim._account.exec.repeats_acknowledgements = repeats
    peer = Peer(world, launch(world), "cat")
    peer.run(seconds=2)
    for _ in range(2):
        peer.connection.send(frame(0, b"once\n"))
        peer.run(seconds=1)
    assert acknowledged(peer) == ([0, 0] if repeats else [0])
    assert peer.output == b"once\r\nonce\r\n"  # the echo of the terminal, and that of the program


def test_a_session_with_a_key(world: World) -> None:
    """With a KMS key there is a handshake first. Output and input are encrypted."""
    world.sim.script_exec("cat", ExecScript.echoing())
    peer = Peer(world, launch(world, key=KEY), "cat", cluster="sealed")
    peer.keys = {}
    peer.run(lambda: peer.channel.opened)
    assert peer.now < 1
    peer.channel.send_input(b"secret\n")
    peer.run(lambda: len(peer.output) > 10)
    assert peer.output == b"secret\r\nsecret\r\n"
    kinds = [each.payload_type for each in peer.frames if each.message_type == OUTPUT]
    assert kinds[:3] == [PayloadType.HANDSHAKE_REQUEST, PayloadType.CHALLENGE_REQUEST, PayloadType.HANDSHAKE_COMPLETE]
    assert not any(b"secret" in each.payload for each in peer.frames)
    peer.channel.send_input(b"\x04")
    assert peer.run()[-1] == Ended("")


@pytest.mark.parametrize(
    ("changes", "message", "seconds"),
    [
        ({"aws:ssm:TargetId": "ecs:sealed"}, "Error when decrypting data key InvalidCiphertextException", 1),
        ({"aws:ssm:RandomChallenge": "x"}, "Error when decrypting data key InvalidCiphertextException", 1),
        (None, "Handshake timed out.", 16),
    ],
)
def test_failed_handshakes(world: World, changes: dict[str, str] | None, message: str, seconds: float) -> None:
    """A wrong encryption context, and no answer within 15 s, end the session."""
    world.sim.script_exec("date", "now\n")
    peer = Peer(world, launch(world, key=KEY), "date", cluster="sealed")
    peer.keys = changes
    (*_, ended) = peer.run()
    assert isinstance(ended, Ended)
    assert ended.text.startswith("----------ERROR-------\nEncountered error while initiating handshake. ")
    assert message in ended.text
    assert peer.now < seconds
    assert peer.output == b""


def test_a_refused_key_ends_the_session(world: World) -> None:
    """So does a client that reports that it has no key, and why."""
    world.sim.script_exec("date", "now\n")
    peer = Peer(world, launch(world, key=KEY), "date", cluster="sealed")
    peer.run(lambda: peer.events)
    peer.channel.refuse_key("AccessDeniedException")
    (*_, ended) = peer.run()
    assert isinstance(ended, Ended)
    assert "KMSEncryption failed on client with status 2 error: AccessDeniedException" in ended.text


def test_a_wrong_answer_to_the_challenge(world: World) -> None:
    """The agent ignores it, and ends the session 15 s later."""
    world.sim.script_exec("date", "now\n")
    peer = Peer(world, launch(world, key=KEY), "date", cluster="sealed")
    peer.keys = {}
    peer.run(lambda: any(each.payload_type == PayloadType.CHALLENGE_REQUEST for each in peer.frames))
    peer.connection.send(frame(1, b'{"Challenge": "AAAA"}', PayloadType.CHALLENGE_RESPONSE))
    world.pass_(16)
    text = json.loads(decode(bytes(peer.connection.take()[-1])).payload)["Output"]  # type: ignore[arg-type,union-attr]
    assert "Timed out waiting for encryption challenge." in text


def test_a_second_response_blocks_the_agent(world: World) -> None:
    """It handles nothing any more, but goes on writing."""
    world.sim.script_exec("ticks", ExecScript.endless("tick\n", every=1.0))
    peer = Peer(world, launch(world), "ticks")
    peer.run(seconds=3)
    peer.connection.send(frame(0, b"{}", PayloadType.HANDSHAKE_RESPONSE))
    peer.connection.send(frame(1, b"\x03"))
    peer.run(seconds=5)
    assert acknowledged(peer) == []
    assert peer.output.count(b"tick") >= 7


def test_output_comes_in_pieces_at_the_boundaries_of_characters(world: World) -> None:
    """A piece has 1024 bytes at most, no character is cut, and an incomplete one at the end is lost."""
    text = ("aäöü€" * 1000).encode()
    world.sim.script_exec("print", ExecScript(text + b"\n" + "€".encode()[:2]))
    peer = Peer(world, launch(world), "print")
    peer.run()
    pieces = [each.payload for each in peer.frames if each.message_type == OUTPUT]
    assert max(map(len, pieces)) <= 1024
    assert len(pieces) == len(text) // 1024 + 1
    assert b"".join(piece.decode().encode() for piece in pieces) == text + b"\r\n"


@pytest.mark.parametrize(
    ("data", "passed"),
    [
        (b"ab\xff", b"ab"),
        (b"\xffab", b""),
        (b"\xffabc", b"\xffabc"),
        ("\ufffdab".encode(), b"\xefab"),
        ("ab\ufffd".encode(), b"ab"),
        (b"\xe2\x82", b""),
    ],
)
def test_bytes_that_are_no_characters(world: World, data: bytes, passed: bytes) -> None:
    """They are held back as one of the last three bytes, and lost at the end. U+FFFD loses its tail."""
    world.sim.script_exec("print", ExecScript(data))
    peer = Peer(world, launch(world), "print")
    peer.run()
    assert peer.output == passed


def test_without_acknowledgements_the_end_waits_two_seconds(world: World) -> None:
    """Then the channel closes, whatever the client has received."""
    world.sim.script_exec("print", "text\n")
    peer = Peer(world, launch(world), "print")
    peer.step()
    times: list[float] = []
    while not times or peer.now < 5:
        world.clock.time = max(world.clock.time, min(peer.connection.next_moment(), peer.began + 5))
        times += [round(peer.now, 1) for _ in peer.connection.take()]
    assert times[0] == times[1] - 0.2 == 1.5  # it was sent again
    assert times[-1] == 3.5


def test_a_program_that_does_not_read_blocks_acknowledgements(world: World) -> None:
    """Once the buffer of the terminal is full, nothing is acknowledged, until the program reads on."""
    world.sim.script_exec("cat", ExecScript.echoing(every=60.0))
    peer = Peer(world, launch(world), "cat")
    peer.run(seconds=2)
    for number in range(10):
        peer.connection.send(frame(number, b"x" * 1023 + b"\n"))
    peer.run(seconds=30)
    assert acknowledged(peer) == [0, 1, 2, 3, 4]
    peer.run(seconds=60)
    assert acknowledged(peer) == [0, 1, 2, 3, 4, 5]


def test_a_program_that_reads_takes_all_input_at_once(world: World) -> None:
    """The buffer of the terminal is no limit then, whatever the order of the messages."""
    world.sim.script_exec("cat", ExecScript.echoing())
    peer = Peer(world, launch(world), "cat")
    peer.run(seconds=2)
    for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 0):
        peer.connection.send(frame(number, b"x" * 1023 + b"\n"))
    peer.run(seconds=0.1)
    assert set(acknowledged(peer)) == set(range(10))
    assert peer.output.count(b"\n") == 20


def test_a_program_that_reads_and_writes_nothing(world: World) -> None:
    """The agent goes on as soon as there is room, though nothing wakes it."""

    def count(_: Sequence[str]) -> ExecDialog:
        yield {"echo": False}
        while (yield None):
            pass
        return 0

    world.sim.script_exec("count", ExecScript.running(count))
    peer = Peer(world, launch(world), "count")
    peer.run(seconds=2)
    for number in range(100):
        peer.connection.send(frame(number, b"x" * 1023 + b"\n"))
    peer.connection.send(frame(100, b"\x04"))
    assert peer.run() == [Ended("")]
    assert peer.now == pytest.approx(2.04)


def test_a_slow_program_takes_what_was_held(world: World) -> None:
    """A message that is taken in parts does not stop those after it for good."""
    world.sim.script_exec("cat", ExecScript.echoing(every=1.0))
    peer = Peer(world, launch(world), "cat")
    peer.run(seconds=2)
    for number in (1, 2, 3, 4, 5, 6, 7, 0):
        peer.connection.send(frame(number, b"x" * 1023 + b"\n"))
    peer.run(seconds=20)
    assert peer.output.count(b"\n") == 16


def test_two_sessions_in_a_container(world: World) -> None:
    """The third is refused, until one of them has ended. A closed connection ends none."""
    arn = launch(world)
    first = Peer(world, arn, "sh")
    second = Peer(world, arn, "sh")
    for peer in (first, second):
        peer.step()
    first.connection.close()
    refused = {"task": arn, "command": "sh", "interactive": True}
    refusal = world.refusal("ExecuteCommand", **refused)
    assert (refusal.code, "the maximum session limit of 2 has been reached" in refusal.message) == (
        "ClientException",
        True,
    )
    world.do("TerminateSession", SessionId=first.session["sessionId"])
    world.do("ExecuteCommand", **refused)


def test_an_idle_session_ends_after_20_minutes(world: World) -> None:
    """It ends if no data pass in either direction."""
    peer = Peer(world, launch(world), "sh")
    peer.run(seconds=600)
    peer.channel.send_input(b"\n")
    (*_, ended) = peer.run(seconds=5000)
    assert isinstance(ended, Ended)
    assert "idle" in ended.text
    assert 1790 < peer.now < 1810


def test_a_closed_connection_does_not_end_the_session(world: World) -> None:
    """It holds its slot for 20 minutes, also if the program writes."""
    world.sim.script_exec("ticks", ExecScript.endless("tick\n", every=1.0))
    peer = Peer(world, launch(world), "ticks")
    peer.run(seconds=5)
    peer.connection.close()
    for seconds, live in ((1190, 1), (20, 0)):
        world.pass_(seconds)
        assert len(world.sim._account.exec.live(world.clock.time)) == live


def test_output_counts_as_activity(world: World) -> None:
    """A session with output goes on, also without anything from the client."""
    world.sim.script_exec("ticks", ExecScript.endless("tick\n", every=60.0))
    peer = Peer(world, launch(world), "ticks")
    peer.step()
    for _ in range(21):
        world.pass_(60)
        peer.connection.take()
    assert len(world.sim._account.exec.live(world.clock.time)) == 1


def test_what_is_on_its_way_is_lost_with_a_connection(world: World) -> None:
    """A new connection does not get it. It is sent again."""
    world.sim.script_exec("print", ExecScript("text\n", seconds=60))
    world.sim.disturb_exec(late=(0.5, 0.5), cut_at=[1.9])
    peer = Peer(world, launch(world), "print")
    assert peer.run() == []
    assert peer.now == pytest.approx(1.9)
    peer.connect(world.do("ResumeSession", SessionId=peer.session["sessionId"])["TokenValue"])
    peer.run(lambda: peer.output)
    assert peer.now > 2.3  # what was sent at 1.5 and 1.7 would have been here


def test_a_fast_clock_cuts_by_the_first_connection(world: World) -> None:
    """Connecting takes real time: the moment of the cut would be over."""
    world.sim._account.exec.pace = RealPace(100.0)
    world.sim.disturb_exec(cut_at=[2.0])
    peer = Peer(world, launch(world), "sh")
    world.pass_(30)
    peer.run()
    assert (peer.connection.closed, peer.now) == ((1006, ""), 32)


def test_the_end_comes_after_all_that_was_sent_before() -> None:
    """Other messages overtake each other."""
    way = Way(ChannelFaults(late=(0.0, 5.0)), Random(0))
    for number in range(20):
        way.put(bytes([number]), 0.0)
    way.put(b"end", 0.0, ordered=True)
    arrived = way.take(10.0)
    assert arrived[-1] == b"end"
    assert arrived[:-1] != sorted(arrived[:-1])


def test_an_image_without_a_shell(world: World) -> None:
    """The agent reports it two seconds later."""
    world.sim.script_exec("date", ExecScript("now\n", lacks="sh"))
    peer = Peer(world, launch(world), "sh -c date")
    (ended,) = peer.run()
    assert isinstance(ended, Ended)
    assert ended.text.startswith("----------ERROR-------\nUnable to start command: Failed to start pty: ")
    assert 2.4 < peer.now < 2.6
    peer = Peer(world, next(iter(world.sim._account.tasks)), "date")
    peer.run()
    assert peer.output == b"now\r\n"


def test_more_than_1000_packets_a_second_end_the_connection(world: World) -> None:
    """Those of a second count together. The session goes on."""
    peer = Peer(world, launch(world), "sh")
    peer.run(seconds=2)
    for number in range(1100):
        peer.connection.send(frame(number, b"x"))
    assert peer.connection.closed == (1008, "there were more than 1,000 packets in a second")
    assert "TokenValue" in world.do("ResumeSession", SessionId=peer.session["sessionId"])


def test_a_stopped_task_leaves_silence(world: World) -> None:
    """The agent is gone with its container. Nothing arrives before the session has been idle for 20 minutes."""
    world.sim.script_exec("ticks", ExecScript.endless("tick\n", every=1.0))
    arn = launch(world)
    peer = Peer(world, arn, "ticks")
    peer.run(seconds=5)
    world.do("StopTask", task=arn)
    peer.run(seconds=60)
    ticks = peer.output.count(b"tick")
    assert ticks < 20
    peer.run(seconds=600)
    assert (peer.output.count(b"tick"), peer.channel.ended) == (ticks, False)
    peer.run(seconds=1200)
    assert peer.channel.ended


class Lazy:
    """A program that may always have something to write, and never has."""

    def __init__(self, words: Sequence[str], _: float) -> None:
        self.words, self.reads, self.hung_up = words, 0, False

    def write(self, data: bytes, now: float) -> int:  # noqa: ARG002
        return len(data)

    def read(self, most: int, now: float) -> bytes | None:  # noqa: ARG002
        self.reads += 1
        return b""

    def resize(self, columns: int, rows: int, now: float) -> None: ...

    def next_wakeup(self) -> float:
        return -math.inf

    def hang_up(self) -> None:
        self.hung_up = True


def test_a_program_of_the_test_ends_with_its_task(world: World) -> None:
    """It gets the words of the whole command, is read every 5 ms at most, and is hung up."""
    programs: list[Lazy] = []

    def start(words: Sequence[str], now: float) -> Lazy:
        programs.append(Lazy(words, now))
        return programs[-1]

    world.sim.script_exec("*", ExecScript.in_terminal(start))
    arn = launch(world)
    peer = Peer(world, arn, "lazy --really 'a b'  # a comment")
    peer.run(seconds=2)
    (program,) = programs
    assert isinstance(program, ExecProgram)
    assert program.words == ["lazy", "--really", "a b"]
    assert 50 < program.reads < 150
    world.do("StopTask", task=arn)
    peer.run(seconds=30)
    assert program.hung_up


def test_a_session_is_resumed_with_a_new_token(world: World) -> None:
    """The stream goes on where it was. A session that has ended has no token, an unknown one does not exist."""
    world.sim.script_exec("ticks", ExecScript.endless("tick\n", every=1.0))
    peer = Peer(world, launch(world), "ticks")
    session_id = peer.session["sessionId"]
    peer.run(seconds=4)
    peer.connection.close()
    world.pass_(3)
    resumed = world.do("ResumeSession", SessionId=session_id)
    assert resumed["StreamUrl"] == peer.session["streamUrl"]
    peer.connect(resumed["TokenValue"])
    peer.run(seconds=13)
    lines = peer.output.split()
    assert set(lines) == {b"tick"}
    assert len(lines) > 15  # none is missing
    world.do("TerminateSession", SessionId=session_id)
    assert peer.run()[-1] == Ended("")
    assert world.do("ResumeSession", SessionId=session_id) == {"SessionId": session_id}
    assert world.refusal("ResumeSession", SessionId="nope").code == "DoesNotExistException"


def test_agents_that_are_not_there(world: World) -> None:
    """The agent may connect later than its container runs, or never start."""
    world.sim.script("web", [TaskScript(exec_connects_after=100), TaskScript(exec_agent="STOPPED")])
    late = launch(world)
    world.register()
    stopped = world.run_one(enableExecuteCommand=True)
    world.pass_(30)
    request = {"command": "sh", "interactive": True}
    refusal = world.refusal("ExecuteCommand", task=late, **request)
    assert refusal.code == "TargetNotConnectedException"
    assert refusal.message == "The execute command failed due to an internal error. Try again later."
    world.pass_(60)
    world.do("ExecuteCommand", task=late, **request)
    refusal = world.refusal("ExecuteCommand", task=stopped, **request)
    assert refusal.code == "InvalidParameterException"
    assert "the execute command agent isn\u2019t running" in refusal.message


def disturbed(world: World, arn: str, **disturbances: object) -> tuple[list[float], bytes, int]:
    world.sim.disturb_exec(**disturbances)  # type: ignore[arg-type]
    world.sim.script_exec("lines", ExecScript([(i / 10, f"{i}\n") for i in range(60)], seconds=30))
    peer = Peer(world, arn, "lines")
    cuts = 0
    while not peer.channel.ended:
        peer.run()
        if peer.connection.closed == (1006, ""):
            cuts += 1
            peer.connect(world.do("ResumeSession", SessionId=peer.session["sessionId"])["TokenValue"])
    return peer.arrivals, peer.output, cuts


@pytest.mark.parametrize(
    "disturbances",
    [{"lost": 0.2}, {"twice": 0.5}, {"late": (0.0, 0.8)}, {"cut": 0.03}, {"cut_at": (1.7, 3.0)}],
    ids=lambda each: next(iter(each)),
)
def test_disturbances_lose_nothing(disturbances: dict[str, object]) -> None:
    """Both ends send again what is lost. The same seed disturbs in the same way."""
    seen = []
    for seed in (1, 1, 2):
        world = World()
        seen.append(disturbed(world, launch(world), seed=seed, **disturbances))
    assert {output for _, output, _ in seen} == {b"".join(b"%d\r\n" % i for i in range(60))}
    assert seen[0] == seen[1]
    assert (seen[0] == seen[2]) == ("cut_at" in disturbances)
    assert all((cuts > 0) == ("cut" in next(iter(disturbances))) for _, _, cuts in seen)


def test_disturbances_are_checked(world: World) -> None:
    """Shares and seconds have bounds."""
    with pytest.raises(ValueError, match="lost must be a share from 0 to 1"):
        world.sim.disturb_exec(lost=2)
    with pytest.raises(ValueError, match="cut must be a share from 0 to 1"):
        world.sim.disturb_exec(cut=-1)
    with pytest.raises(ValueError, match="late must be two numbers of seconds"):
        world.sim.disturb_exec(late=(2, 1))
