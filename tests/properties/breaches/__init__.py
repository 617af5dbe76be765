"""Ways to make a valid task definition wrong, one rule at a time."""

from . import containers, networks, platforms, tasks, volumes
from .making import Breach

__all__ = ["BREACHES", "Breach"]

BREACHES = (*tasks.BREACHES, *containers.BREACHES, *networks.BREACHES, *volumes.BREACHES, *platforms.BREACHES)
