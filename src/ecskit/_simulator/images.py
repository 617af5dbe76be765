"""Digests of container images. An image always has the same one, so all tasks of a revision run the same image.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerImage.html
"""

from __future__ import annotations

from hashlib import sha256


def digest(image: str) -> str:
    """Return the digest of an image: that of the reference, else one that depends on its text alone."""
    _, separator, given = image.partition("@")
    return given if separator else f"sha256:{sha256(image.encode()).hexdigest()}"
