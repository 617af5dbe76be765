"""Encryption: its bytes, the key for each direction, and the message if `cryptography` is absent."""

from __future__ import annotations

import sys

import pytest

from ecskit._data_channel.encryption import Keys
from ecskit.errors import MissingExtraError

DATA_KEY = bytes(range(64))
NONCE = int.from_bytes(bytes([9, 9, 9, 9, *range(12)]), "big")
FROM_AGENT = bytes.fromhex("000102030405060708090a0b2869db1126161a1a57dc109e6dc7212f66d6b597")
FROM_CLIENT = bytes.fromhex("000102030405060708090a0b302157090cf9c165b82a99da9fc1a070d21cbb")


def test_encrypted_data_are_these_bytes() -> None:
    """Nonce, ciphertext and tag; the agent encrypts with the first half of the key, the client with the second."""
    client, agent = Keys(DATA_KEY), Keys(DATA_KEY, agent=True)
    assert FROM_AGENT == agent.encrypt(b"ok\r\n", bits=NONCE)
    assert b"ok\r\n" == client.decrypt(FROM_AGENT)
    assert FROM_CLIENT == client.encrypt(b"ls\n", bits=NONCE)
    assert b"ls\n" == agent.decrypt(FROM_CLIENT)


def test_numbers_in_a_row_are_different_nonces() -> None:
    """With the same nonce twice, a key would be lost."""
    keys = Keys(DATA_KEY)
    assert 100 == len({keys.encrypt(b"", bits=(1 << 127) + count)[:12] for count in range(100)})


@pytest.mark.parametrize("data", [b"", b"short", FROM_CLIENT, FROM_AGENT[:-1], FROM_AGENT[:20], b"\1" + FROM_AGENT])
def test_other_data_are_not_decrypted(data: bytes) -> None:
    """Those of the other direction neither."""
    assert Keys(DATA_KEY).decrypt(data) is None


def test_a_key_has_64_bytes() -> None:
    """The message holds none of them."""
    with pytest.raises(ValueError, match="The data key has to have 64 bytes, not 6") as caught:
        Keys(b"secret")
    assert "secret" not in str(caught.value)


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """`cryptography` is needed with the first key."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(MissingExtraError) as caught:
        Keys(DATA_KEY)
    assert (
        "The cluster encrypts ECS Exec sessions with a KMS key, which needs cryptography: pip install 'ecskit[exec]'"
    ) == str(caught.value)
