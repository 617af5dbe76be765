"""The pump of a session, effect by effect: cuts, refusals and cancellations at moments that a network rarely has."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest
from data_channel.support import KEY_ACTIONS, message, request

from ecskit import errors
from ecskit._core.effects import (
    Cancelled,
    Connect,
    DrawRandom,
    Effect,
    GetSpeed,
    GetTime,
    Invoke,
    RawResponse,
    Reply,
    Send,
    Share,
    Sleep,
)
from ecskit._core.links import LinkClosed
from ecskit._data_channel.frames import decode
from ecskit._exec.pump import pump
from ecskit._exec.session import BUFFER_LIMIT, End, Place, Session

CUT = LinkClosed(1006)
CLOSED = "the connection was closed with code 1006"
PLACE = Place("prod", "arn:aws:ecs:eu-west-1:1:task/prod/abc", "app", "abc-123")
OPENED = {"session": {"sessionId": "s-1", "streamUrl": "wss://x", "tokenValue": "t"}}


def refusal(code: str, status: int = 400) -> errors.EcsError:
    """Return an error of AWS."""
    kind = (
        errors.ServerError if status >= 500 else errors.AccessDeniedError if "Denied" in code else errors.ServiceError
    )
    return kind({"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "X")


@attrs.define
class Links:
    """What all links of a session receive, in order, and what they send. After the last item, the flow has to end."""

    arrives: list[Any]
    sent: list[Any] = attrs.field(factory=list[Any])
    closed: int = 0
    fault: Exception | None = None
    """What sending raises."""

    def receive(self, _: float) -> Any:
        item = self.arrives.pop(0)
        if callable(item):
            item = item()
        if isinstance(item, Exception):
            raise item
        return item

    def send(self, messages: Sequence[str | bytes]) -> None:
        if self.fault is not None:
            raise self.fault
        self.sent += messages

    def wake(self) -> None:
        pass

    def close(self, _: object = None) -> None:
        self.closed += 1


@attrs.define
class Performed:
    """Performs the flow of a pump, with answers that a test gives."""

    links: Links
    answers: dict[str, list[Any]] = attrs.field(factory=dict[str, list[Any]])
    """The answers to requests, by operation; {} after the last."""
    before: Callable[[Effect, Session], object] = lambda *_: None
    session: Session = attrs.field(factory=lambda: Session(PLACE))
    effects: list[Any] = attrs.field(factory=list[Any])
    now: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.session.url = ""
        flow = pump(self.session, "sh", encrypted=None)
        resume: Any = next
        argument: tuple[Any, ...] = ()
        while True:
            try:
                effect = resume(flow, *argument) if resume is next else resume(*argument)
            except (StopIteration, Cancelled):
                return
            self.effects.append(effect)
            try:
                self.before(effect, self.session)
                resume, argument = flow.send, (self._reply(effect),)
            except Cancelled as cancelled:
                resume, argument = flow.throw, (cancelled,)

    def _reply(self, effect: Any) -> Reply[Any]:
        value: Any = None
        error: errors.EcsError | None = None
        match effect:
            case Sleep(seconds):
                self.now += seconds
            case Share(make, use):
                value = use(make()) if use else make()
            case DrawRandom():
                value = 5
            case GetTime():
                value = 1.7e9
            case GetSpeed():
                value = 1.0
            case Connect():
                value = self.links
            case Invoke(callback, given):
                try:
                    value = callback(given)
                except Exception as raised:  # noqa: BLE001  # as the driver does it
                    assert effect.caught
                    value = raised
            case Send():
                given = self.answers.get(effect.operation, [OPENED] if effect.operation == "ExecuteCommand" else None)
                answer = given.pop(0) if given else {}
                if isinstance(answer, errors.EcsError):
                    error = answer
                elif effect.service == "ecs":
                    value = RawResponse(json.dumps(answer).encode(), {})
                else:
                    value = RawResponse(b"", {}, parsed=answer)
            case _:
                raise AssertionError(effect)
        return Reply(self.now, value, error)

    @property
    def end(self) -> End:
        """How the session ended."""
        assert self.session.end is not None
        assert self.session.done
        return self.session.end

    def count(self, operation: str) -> int:
        """Return how often an operation was requested."""
        return sum(isinstance(each, Send) and each.operation == operation for each in self.effects)


def tokens(count: int) -> list[Any]:
    """Return answers to ResumeSession."""
    return [{"TokenValue": f"token {number}"} for number in range(count)]


@pytest.mark.parametrize(
    ("answers", "reason", "tries"),
    [
        ([{}], f"{CLOSED}, and the session has timed out meanwhile", 1),
        ([refusal("DoesNotExistException")], f"{CLOSED}; it cannot be resumed: ", 1),
        ([refusal("AccessDeniedException")], f"{CLOSED}; to resume it, the credentials need ssm:ResumeSession (", 1),
        ([refusal("ExpiredTokenException")], f"{CLOSED}; it cannot be resumed: X: ExpiredTokenException: no", 1),
        ([refusal("InternalServerError", 500)] * 9, f"{CLOSED}; 5 tries to resume it failed", 5),
    ],
    ids=["timed out", "gone", "denied", "expired", "failing"],
)
def test_a_session_that_cannot_be_resumed(answers: list[Any], reason: str, tries: int) -> None:
    """It is lost, and terminated; only errors that may pass are tried again."""
    done = Performed(Links([CUT]), {"ResumeSession": answers})
    assert ("lost", True) == (done.end.cause, done.end.reason.startswith(reason))
    assert (tries, 1) == (done.count("ResumeSession"), done.count("TerminateSession"))


def test_links_that_bring_something_renew_the_tries() -> None:
    """Twenty cuts in a day are no reason to give up; five in a row are."""
    outputs = [[[message(number, b"x")], CUT] for number in range(20)]
    done = Performed(Links([CUT, *itertools.chain(*outputs), *[CUT] * 9]), {"ResumeSession": tokens(99)})
    assert done.end.reason.endswith("5 tries to resume it failed")
    assert 25 == done.count("ResumeSession")
    assert 26 == sum(isinstance(each, Connect) for each in done.effects)
    opening = [json.loads(each)["TokenValue"] for each in done.links.sent if isinstance(each, str)]
    assert ["t", "token 0", "token 1"] == opening[:3]
    pauses = [each.seconds for each in done.effects if isinstance(each, Sleep) and each.waker is done.session.waker]
    assert [0.1] * 21 + [0.2, 0.4, 0.8, 1.6] == pauses


@pytest.mark.parametrize("cuts", [[[b"anything"], CUT], [[message(0, b"x")], CUT]], ids=["garbage", "the same again"])
def test_links_that_bring_nothing_new_do_not(cuts: list[Any]) -> None:
    """A peer that cuts each connection after one message would be asked for tokens for ever."""
    done = Performed(Links([[message(0, b"x")], CUT, *cuts * 20]), {"ResumeSession": tokens(99)})
    assert (5, True) == (done.count("ResumeSession"), done.end.reason.endswith("5 tries to resume it failed"))


def test_links_that_last_renew_the_tries() -> None:
    """Also if nothing happens in the session."""
    performed: list[Performed] = []

    def before(effect: Any, _: Session) -> None:
        if isinstance(effect, Invoke) and effect.value == math.inf:
            performed[0].now += 60

    done = Performed.__new__(Performed)
    performed.append(done)
    done.__init__(Links([CUT] * 12), {"ResumeSession": [*tokens(10), {}]}, before)  # type: ignore[misc]  # it performs
    assert (11, True) == (done.count("ResumeSession"), done.end.reason.endswith("has timed out meanwhile"))


@pytest.mark.parametrize("at", [Connect, Sleep], ids=["before connecting", "between two tries"])
def test_a_requested_end_comes_between_links(at: type[Any]) -> None:
    """Nothing else is requested but the termination."""

    def before(effect: Any, session: Session) -> None:
        if isinstance(effect, GetTime) if at is Connect else getattr(effect, "operation", "") == "ResumeSession":
            session.request_end(End("local", "it was closed"))

    done = Performed(Links([CUT]), {"ResumeSession": [refusal("InternalServerError", 500)] * 9}, before)
    assert "it was closed" == done.end.reason
    assert (at is Sleep, 1) == (done.count("ResumeSession"), done.count("TerminateSession"))
    assert (at is Sleep) == any(isinstance(each, Connect) for each in done.effects)
    assert done.now < 1


def test_an_end_before_the_pump_has_begun() -> None:
    """ExecuteCommand is not sent."""
    session = Session(PLACE)
    session.request_end(End("local", "it was closed"))
    done = Performed(Links([]), session=session)
    assert ("it was closed", []) == (done.end.reason, done.effects)


def test_the_request_that_opens_a_session() -> None:
    """botocore does not repeat it, and it has its turn among the requests of the client."""
    done = Performed(Links([CUT]), {"ResumeSession": [{}]})
    [opening] = [each for each in done.effects if isinstance(each, Send) and each.operation == "ExecuteCommand"]
    assert opening.single_attempt
    assert any(isinstance(each, Share) for each in done.effects[: done.effects.index(opening)])


def test_a_requested_end_ends_the_repeats() -> None:
    """No further ExecuteCommand is sent for a session that is not wanted any more."""

    def before(effect: Any, session: Session) -> None:
        if getattr(effect, "operation", "") == "ExecuteCommand":
            session.request_end(End("local", "it was closed"))

    unconnected = errors.TargetNotConnectedException({"Error": {"Code": "TargetNotConnectedException"}}, "X")
    done = Performed(Links([]), {"ExecuteCommand": [unconnected] * 9}, before)
    assert ("failed", 1, 0) == (done.end.cause, done.count("ExecuteCommand"), done.count("TerminateSession"))


def test_a_broken_channel_is_not_resumed() -> None:
    """Another connection would bring the same messages."""
    damaged = bytearray(message(0, b"x"))
    damaged[-1] ^= 1
    done = Performed(Links([[bytes(damaged)] * 30]), {"ResumeSession": tokens(9)})
    assert ("lost", True) == (done.end.cause, "damaged messages" in done.end.reason)
    assert (0, 1) == (done.count("ResumeSession"), done.count("TerminateSession"))


def test_a_refused_key_is_reported_to_the_agent() -> None:
    """Otherwise it would wait for 15 s."""
    arrives = [[message(0, request(KEY_ACTIONS), 5)]]
    done = Performed(Links(arrives), {"GenerateDataKey": [refusal("AccessDeniedException")]})
    assert "refused" == done.end.cause
    last = decode(done.links.sent[-1])
    assert last is not None
    [_, action] = json.loads(last.payload)["ProcessedClientActions"]
    assert (2, "The client has no data key.") == (action["ActionStatus"], action["Error"])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refusal("AccessDeniedException"), "the credentials need kms:GenerateDataKey on arn:key (X: AccessDenied"),
        (refusal("ExpiredTokenException"), "there is no data key of arn:key (X: ExpiredTokenException: no"),
        (refusal("NotFoundException"), "there is no data key of arn:key (X: NotFoundException: no"),
        ({}, "there is no data key of arn:key (GenerateDataKey: the response has no data key of 64 bytes)"),
        (
            {"Plaintext": 1, "CiphertextBlob": b"x"},
            "there is no data key of arn:key (GenerateDataKey: the response has",
        ),
        ({"Plaintext": "x!", "CiphertextBlob": b"x"}, "there is no data key of arn:key (GenerateDataKey: the response"),
        ({"Plaintext": bytes(11), "CiphertextBlob": b"x"}, "there is no data key of arn:key (GenerateDataKey: the"),
    ],
)
def test_no_data_key(answer: Any, reason: str) -> None:
    """The session ends, and says why: the permission, or what AWS KMS answered."""
    done = Performed(Links([[message(0, request(KEY_ACTIONS), 5)]]), {"GenerateDataKey": [answer]})
    assert "refused" == done.end.cause
    assert done.end.reason.startswith(f"the cluster encrypts sessions: {reason}")


UNREACHABLE = errors.ConnectionFailedError("TerminateSession", "no route to ssm")


@pytest.mark.parametrize(
    ("failed", "requests", "warning"),
    [([], 2, None), ([UNREACHABLE], 1, "TerminateSession: no route to ssm")],
    ids=["under way", "unreachable"],
)
def test_a_cancelled_termination(
    failed: list[Any], requests: int, warning: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """A request may be stopped before it arrives: it is sent again, unless AWS cannot be reached."""
    cancelled = 0

    def before(effect: Any, session: Session) -> None:
        nonlocal cancelled
        at = Sleep if failed else Send
        ending = session.end is not None and (failed or getattr(effect, "operation", "") == "TerminateSession")
        if ending and isinstance(effect, at) and not cancelled and getattr(effect, "seconds", 1):
            cancelled += 1
            raise Cancelled

    done = Performed(Links([CUT]), {"ResumeSession": [{}], "TerminateSession": [*failed]}, before)
    assert ("lost", requests, 1) == (done.end.cause, done.count("TerminateSession"), cancelled)
    assert done.links.closed
    shown = [
        f"session s-1 was not terminated, and may hold one of the slots of its container for 20 minutes: {warning}"
    ]
    assert (shown if warning else []) == caplog.messages


def test_a_request_for_a_data_key_is_repeated() -> None:
    """Throttles pass; the agent waits for 15 s."""
    answers = [errors.ThrottledError({"Error": {"Code": "ThrottlingException"}}, "GenerateDataKey")] * 9
    done = Performed(Links([[message(0, request(KEY_ACTIONS), 5)]]), {"GenerateDataKey": answers})
    assert ("refused", 4) == (done.end.cause, done.count("GenerateDataKey"))
    assert done.now < 15


def test_empty_output_is_no_end() -> None:
    """An agent may send it."""
    session = Session(PLACE)
    assert session.deliver(b"", 0.0)
    assert session.take() is None


@pytest.mark.parametrize(
    ("answers", "requests", "warns"),
    [
        ([refusal("DoesNotExistException")], 1, False),
        ([refusal("InternalServerError", 500)], 2, False),
        ([refusal("InternalServerError", 500)] * 9, 3, True),
    ],
    ids=["ended", "passing", "failing"],
)
def test_errors_of_the_termination(
    answers: list[Any], requests: int, *, warns: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """One that passes is tried again; a session that does not exist has ended."""
    done = Performed(Links([CUT]), {"ResumeSession": [{}], "TerminateSession": answers})
    assert requests == done.count("TerminateSession")
    assert warns == bool(caplog.messages)


def test_output_that_nothing_reads_ends_the_session() -> None:
    """There is room for 64 MiB."""

    def before(effect: Any, session: Session) -> None:
        if isinstance(effect, Connect):
            session.deliver(bytes(BUFFER_LIMIT), 0.0)

    done = Performed(Links([[message(0, b"x")]]), before=before)
    assert ("overflow", 1) == (done.end.cause, done.count("TerminateSession"))


@pytest.mark.parametrize(
    "links",
    [Links([ZeroDivisionError("a fault")]), Links([], fault=ZeroDivisionError("a fault"))],
    ids=["receiving", "sending"],
)
def test_an_unexpected_error_reaches_the_users(links: Links) -> None:
    """It ends the session, and is terminated; the driver gets the error, too."""
    session = Session(PLACE)
    with pytest.raises(ZeroDivisionError):
        Performed(links, session=session)
    assert session.end is not None
    assert session.done
    with pytest.raises(ZeroDivisionError):
        session.raise_cause()
    with pytest.raises(errors.SessionEnded, match="a fault") as raised:
        session.raise_end()
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
