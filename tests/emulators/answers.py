"""Send requests to an emulator over plain HTTP, so that the answers are complete, and compare the answers."""

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
_COMPARED = (
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
"""Members whose values are compared. The values of other members are arbitrary."""


_ROOT = re.compile(r"^(service|cluster|task|taskDefinition|container|serviceDeployment)s\[\](?=\.)")
"""Resources that an answer shows alone or in a list."""


def post(url: str, operation: str, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the JSON of an answer; a body that is not JSON is in `text`."""
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"AmazonEC2ContainerServiceV20141113.{operation}",
        "Authorization": _SIGNED,
    }
    http_request = urllib.request.Request(url, json.dumps(request).encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(http_request, timeout=20) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
    try:
        return status, json.loads(body)
    except ValueError:
        return status, {"text": body.decode("utf-8", "replace")}


def send_step(url: str, step: Step, seen: Seen, settle_seconds: float = 10.0) -> tuple[int, dict[str, Any]]:
    """Send the request of a step, again until the answer is settled or `settle_seconds` have passed."""
    until = time.monotonic() + settle_seconds
    while True:
        status, answer = post(url, step.operation, step.request(seen))
        if status != 200 or step.settled(answer) or time.monotonic() >= until:
            return status, answer
        time.sleep(0.02)


def shape(status: int, answer: Any) -> dict[str, str]:
    """Return the part of an answer that is compared: error codes, members and their values, by path."""
    if status != 200:
        code = str(answer.get("__type", "no code")).rsplit("#", 1)[-1]
        return {"": f"{status} {code}"}
    values: dict[str, set[str]] = {}
    for path, value in _leaves(answer, ""):
        name = path.rsplit(".", 1)[-1]
        known = name in _COMPARED or value is None or value in ("", [], {})
        values.setdefault(_ROOT.sub(r"\1", path), set()).add(str(value) if known else "there")
    return {"": "200", **{path: " ".join(sorted(found)) or "''" for path, found in values.items()}}


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


def shapes(url: str, first: Seen | None = None, settle_seconds: float = 10.0) -> dict[str, dict[str, str]]:
    """Send all steps, and return the part of each answer that is compared."""
    seen: Seen = dict(first or {})
    found: dict[str, dict[str, str]] = {}
    for step in STEPS:
        try:
            status, answer = send_step(url, step, seen, settle_seconds)
        except (KeyError, IndexError, ValueError) as error:
            found[step.name] = {"": f"cannot be sent: {error!r}"}
            continue
        seen[step.name] = answer
        found[step.name] = shape(status, answer)
    return found


def differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the differences between two answers by path: the value in the first and in the second."""
    if ours[""] != theirs[""]:
        return {"": (ours[""], theirs[""])}
    found: dict[str, tuple[str, str]] = {}
    for path in sorted({*ours, *theirs}):
        values = ours.get(path, "absent"), theirs.get(path, "absent")
        if values[0] == values[1]:
            continue
        name, listed = path, path.split("[].")[0]
        if "[]" in (ours.get(listed), theirs.get(listed)):  # an empty list in one answer
            name, values = listed, (_of_list(ours, listed), _of_list(theirs, listed))
        elif "absent" in values:
            name = _absent_from(theirs if values[1] == "absent" else ours, path)
            values = ("absent", "there") if values[0] == "absent" else ("there", "absent")
        found.setdefault(name, values)
    return found


def _of_list(answer: Mapping[str, str], path: str) -> str:
    return answer.get(path) or ("some" if any(each.startswith(f"{path}[].") for each in answer) else "absent")


def _absent_from(answer: Mapping[str, str], path: str) -> str:
    """Return the shortest prefix of a path that an answer lacks, so that a missing structure is reported once."""
    parts = path.split(".")
    for end in range(1, len(parts)):
        begun = ".".join(parts[:end])
        bare = begun.removesuffix("[]")
        if not any(each in (begun, bare) or each.startswith((f"{begun}.", f"{bare}[].")) for each in answer):
            return bare
    return path
