"""Shows the events of a deployment to people: as lines for logs and for GitHub Actions, or as a picture in a terminal.

Nothing else in ecskit imports this. What draws in terminals is the extra `progress`; it is loaded on use.
"""

from __future__ import annotations

from ecskit.progress.choosing import Times, auto, github, live, plain
from ecskit.progress.showing import Show

__all__ = ["Show", "Times", "auto", "github", "live", "plain"]
