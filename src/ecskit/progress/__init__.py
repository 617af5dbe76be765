"""Shows the events of a deployment to people: as lines for logs, or as a picture in a terminal.

Nothing else in ecskit imports this. What draws in terminals is the extra `progress`; it is loaded on use.
"""

from __future__ import annotations

from ecskit.progress.choosing import auto, live, plain
from ecskit.progress.showing import Show

__all__ = ["Show", "auto", "live", "plain"]
