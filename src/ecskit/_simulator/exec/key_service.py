"""KMS, as far as sessions of ECS Exec need it: GenerateDataKey, and decrypting for the agent.

Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from botocore.loaders import Loader

from ecskit._simulator.errors import SimulatedError

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import Cluster
    from ecskit._simulator.wire import Wire

TARGET_PREFIX = "TrentService"
_SEALED_BYTES = 184
_SIZES = {"AES_128": 16, "AES_256": 32}


@functools.cache
def load_model() -> dict[str, Any]:
    """Return the service model of KMS in the installed botocore."""
    return cast("dict[str, Any]", Loader().load_service_model("kms", "service-2"))


def key_of(cluster: Cluster) -> str | None:
    """Return the KMS key of a cluster's sessions; None if they are not encrypted."""
    command: Wire = (cluster.configuration or {}).get("executeCommandConfiguration", {})
    return command.get("kmsKeyId")


def decrypt(account: Account, sealed: bytes, context: Mapping[str, str]) -> bytes:
    """Return a data key as KMS does for the role of a task.

    Raises:
        ValueError: The ciphertext is none of KMS, or the context is not that of the data key.
    """
    plaintext, given = account.exec.data_keys.get(sealed, (b"", None))
    if given != context:
        raise ValueError("Error when decrypting data key InvalidCiphertextException")
    return plaintext


def _generate_data_key(account: Account, request: Wire) -> Wire:
    """Return a data key under the KMS key of a cluster."""
    if ("KeySpec" in request) == ("NumberOfBytes" in request):
        raise SimulatedError("ValidationException", "Please specify either number of bytes or key spec.")
    key = request["KeyId"]
    if key not in {key_of(each) for each in account.clusters.values()}:
        raise SimulatedError("NotFoundException", f"Invalid keyId {key}")
    size = request.get("NumberOfBytes") or _SIZES[request["KeySpec"]]
    plaintext, sealed = (account.identifiers.randbytes(each) for each in (size, _SEALED_BYTES))
    account.exec.data_keys[sealed] = plaintext, dict(request.get("EncryptionContext", {}))
    encoded = {"CiphertextBlob": sealed, "Plaintext": plaintext}
    return {"KeyId": key, **{name: base64.b64encode(value).decode("ascii") for name, value in encoded.items()}}


OPERATIONS: Mapping[str, Callable[[Account, Wire], Wire]] = {"GenerateDataKey": _generate_data_key}
