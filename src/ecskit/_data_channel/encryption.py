"""Encryption with the keys that a cluster's KMS key yields: AES-256-GCM, as nonce, ciphertext and tag.

`cryptography` is imported when the first key is used, because few clusters have one.

Source: https://github.com/aws/session-manager-plugin, src/encryption
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecskit._core.errors import MissingExtraError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["KEY_BYTES", "Keys", "check_extra"]

KEY_BYTES: Final = 64
"""Bytes of the data key: one half for each direction."""
_NONCE_BYTES = 12


def check_extra() -> None:
    """Raise MissingExtraError if `cryptography` is not installed."""
    _cipher()


def _cipher() -> type[AESGCM]:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise MissingExtraError(
            "The cluster encrypts ECS Exec sessions with a KMS key, which needs cryptography:"
            " pip install 'ecskit[exec]'"
        ) from None
    return AESGCM


class Keys:
    """The keys of one end of a session.

    Args:
        data_key: The 64 bytes of plaintext that KMS made.
        agent: Whether this end is the agent, which encrypts with the first half. The client encrypts with the second.

    Raises:
        MissingExtraError: The extra `exec` is not installed.
    """

    def __init__(self, data_key: bytes, *, agent: bool = False) -> None:
        cipher = _cipher()
        if len(data_key) != KEY_BYTES:
            raise ValueError(f"The data key has to have {KEY_BYTES} bytes, not {len(data_key)}")
        halves = cipher(data_key[:32]), cipher(data_key[32:])
        self._encrypting, self._decrypting = halves if agent else (halves[1], halves[0])

    def encrypt(self, data: bytes, *, bits: int) -> bytes:
        """Return the data encrypted. The lowest 96 bits of `bits` are the nonce: they must never be the same twice."""
        nonce = (bits % (1 << 8 * _NONCE_BYTES)).to_bytes(_NONCE_BYTES, "big")
        return nonce + self._encrypting.encrypt(nonce, data, None)

    def decrypt(self, data: bytes) -> bytes | None:
        """Return the plaintext of data that the other end encrypted; None for any other data."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._decrypting.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], None)
        except (InvalidTag, ValueError):
            return None
