"""Asking an emulator over plain HTTP, so that nothing of an answer is lost on the way, and what is compared of it."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from .steps import STEPS, Seen, Step

_SIGNED = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/ecs/aws4_request, SignedHeaders=host, Signature=none"
_TELLING = (
    "status",
    "lastStatus",
    "desiredStatus",
    "rolloutState",
    "launchType",
    "schedulingStrategy",
    "desiredCount",
    "runningCount",
    "pendingCount",
    "failedTasks",
    "revision",
    "exitCode",
    "stopCode",
    "reason",
    "healthStatus",
    "connectivity",
    "networkMode",
    "essential",
    "propagateTags",
    "protocol",
    "group",
    "startedBy",
    "stoppedReason",
    "availabilityZoneRebalancing",
    "maximumPercent",
    "minimumHealthyPercent",
)
"""Members whose values everybody can agree about; others are made up by who answers."""


_ROOT = re.compile(r"^(service|cluster|task|taskDefinition|container|serviceDeployment)s\[\](?=\.)")
"""What is described one by one, or several at once."""


def post(url: str, operation: str, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the JSON of an answer; what is no JSON comes under `text`."""
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"AmazonEC2ContainerServiceV20141113.{operation}",
        "Authorization": _SIGNED,
    }
    asked = urllib.request.Request(url, json.dumps(request).encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
    try:
        return status, json.loads(body)
    except ValueError:
        return status, {"text": body.decode("utf-8", "replace")}


def ask(url: str, step: Step, seen: Seen, patience: float = 10.0) -> tuple[int, dict[str, Any]]:
    """Take a step; ask again until the answer is the one to look at, or patience ends."""
    until = time.monotonic() + patience
    while True:
        status, answer = post(url, step.operation, step.request(seen))
        if status != 200 or step.settled(answer) or time.monotonic() >= until:
            return status, answer
        time.sleep(0.02)


def shape(status: int, answer: Any) -> dict[str, str]:
    """Return what is compared of an answer: error codes, members and telling values, by path."""
    if status != 200:
        code = str(answer.get("__type", "no code")).rsplit("#", 1)[-1]
        return {"": f"{status} {code}"}
    values: dict[str, set[str]] = {}
    for path, value in _leaves(answer, ""):
        name = path.rsplit(".", 1)[-1]
        known = name in _TELLING or value is None or value in ("", [], {})
        values.setdefault(_ROOT.sub(r"\1", path), set()).add(str(value) if known else "there")
    return {"": "200", **{path: " ".join(sorted(told)) or "''" for path, told in values.items()}}


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list) and any(isinstance(inner, (Mapping, list)) for inner in value):
        for inner in value:
            yield from _leaves(inner, f"{path}[]")
    elif isinstance(value, list):
        yield path, [] if not value else "there"
    else:
        yield path, value


def shapes(url: str, first: Seen | None = None, patience: float = 10.0) -> dict[str, dict[str, str]]:
    """Take all steps, and return what is compared of each answer."""
    seen: Seen = dict(first or {})
    told: dict[str, dict[str, str]] = {}
    for step in STEPS:
        try:
            status, answer = ask(url, step, seen, patience)
        except (KeyError, IndexError, ValueError) as error:
            told[step.name] = {"": f"cannot be asked: {error!r}"}
            continue
        seen[step.name] = answer
        told[step.name] = shape(status, answer)
    return told


def differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return what differs between two answers, by path: what the first says and what the second one says."""
    if ours[""] != theirs[""]:
        return {"": (ours[""], theirs[""])}
    found: dict[str, tuple[str, str]] = {}
    for path in sorted({*ours, *theirs}):
        says = ours.get(path, "absent"), theirs.get(path, "absent")
        if says[0] == says[1]:
            continue
        name, listed = path, path.split("[].")[0]
        if "[]" in (ours.get(listed), theirs.get(listed)):  # one has none where the other one has some, or says nothing
            name, says = listed, (_of_list(ours, listed), _of_list(theirs, listed))
        elif "absent" in says:
            name = _absent_from(theirs if says[1] == "absent" else ours, path)
            says = ("absent", "there") if says[0] == "absent" else ("there", "absent")
        found.setdefault(name, says)
    return found


def _of_list(answer: Mapping[str, str], path: str) -> str:
    return answer.get(path) or ("some" if any(each.startswith(f"{path}[].") for each in answer) else "absent")


def _absent_from(answer: Mapping[str, str], path: str) -> str:
    """Return the shortest beginning of a path that an answer has nothing of: a structure is missed once."""
    parts = path.split(".")
    for end in range(1, len(parts)):
        begun = ".".join(parts[:end])
        bare = begun.removesuffix("[]")
        if not any(each in (begun, bare) or each.startswith((f"{begun}.", f"{bare}[].")) for each in answer):
            return bare
    return path
