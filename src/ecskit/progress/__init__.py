"""Shows the events of deployments: as lines for logs and for GitHub Actions, or as a live view in a terminal.

The live view needs the extra `progress`, which is loaded on use.
"""

from __future__ import annotations

from ecskit.progress.choosing import Times, auto, github, live, plain
from ecskit.progress.showing import Show

__all__ = ["Show", "Times", "auto", "github", "live", "plain"]
