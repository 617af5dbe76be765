"""Stories of deployments, S18 to S29 and what is between them: what ECS shows, and what has to come of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from .scripted import Script, World, definition, rollout_arn

DEPLOYMENT_READS = ("ListServiceDeployments", "DescribeServiceDeployments")
PULL = "CannotPullContainerError: manifest unknown"


@attrs.frozen(kw_only=True)
class Row:
    """One story."""

    world: World
    verdict: str
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    change: Mapping[str, Any] = attrs.field(factory=lambda: {"task_definition": "web:2"})
    rolled_back_to: str | None = None
    by: str | None = None
    says: str = ""
    """Parts of the message, separated by ` | `."""
    warnings: int = 0
    never: tuple[str, ...] = ()
    """Operations that are not called."""
    ends: tuple[float, float] = (0, 600)
    """The earliest and the latest end, in seconds from UpdateService."""
    alike_by_service: bool = True
    """Whether the verdict is the same where the deployment APIs are refused."""


def story(
    service: Mapping[float, str], rollouts: Mapping[int, Mapping[float, str]] | None = None, **more: Any
) -> World:
    """Return a world with one script."""
    tasks, live = more.pop("tasks", {}), more.pop("live", {})
    return World(update=Script(service=service, rollouts=rollouts or {}, tasks=tasks, live=live), **more)


SUCCESS = story(
    {0: "1=C", 9: "2=I:0 1=C", 20: "2=I:1 1=C", 40: "2=C"},
    {2: {9: "PENDING", 12: "IN_PROGRESS", 40: "SUCCESSFUL"}},
)
ROLLBACK = story(
    {
        0: "2=I:0 1=C",
        10: "2=I:0f2 1=C",
        24: "1=I:2back 2=F:0f3",
        40: "1=C:2back",
    },
    {
        2: {
            1: "PENDING",
            4: "IN_PROGRESS",
            24: "ROLLBACK_REQUESTED>1*: Service deployment rolled back because of a circuit breaker.",
            28: "ROLLBACK_IN_PROGRESS>1*: Service deployment rolled back because of a circuit breaker.",
            40: "ROLLBACK_SUCCESSFUL>1*: Service deployment rolled back because of a circuit breaker.",
        }
    },
    tasks={10: f"2 x 2: {PULL}", 20: f"2: {PULL}"},
)
SUPERSEDED = story(
    {0: "2=I:0 1=C", 20: "3=I:0 2=I:1 1=C", 60: "3=C"},
    {
        2: {
            1: "IN_PROGRESS",
            20: f"STOP_REQUESTED: Replaced by {rollout_arn(3)}.",
            25: f"STOPPED: Replaced by {rollout_arn(3)}.",
        },
        3: {20: "PENDING", 24: "IN_PROGRESS", 60: "SUCCESSFUL"},
    },
)
FAILS = story(
    {0: "2=I:0 1=C", 20: "2=F:0f3 1=C"},
    {
        2: {
            1: "IN_PROGRESS",
            20: "STOP_REQUESTED*: The circuit breaker tripped.",
            24: "STOPPED*: The circuit breaker tripped.",
        }
    },
    tasks={10: f"3 x 2: {PULL}"},
    breaker={"enable": True, "rollback": False},
)
COUNTS = {"task_definition": None, "desired_count": 4}

ROWS: dict[str, Row] = {
    "S18 reads show the old one first": Row(world=SUCCESS, verdict="SUCCESSFUL", ends=(40, 56)),
    "S18 at once": Row(
        world=story({0: "2=C"}, {2: {0: "SUCCESSFUL"}}), verdict="SUCCESSFUL", ends=(0, 4), alike_by_service=True
    ),
    "S18 answered late": Row(
        world=attrs.evolve(SUCCESS, answer="1=C"), verdict="SUCCESSFUL", ends=(40, 60), alike_by_service=True
    ),
    "S18 the answer is behind, and a deployment is expected": Row(
        world=story({0: "1=C", 12: "2=I:0 1=C", 40: "2=C"}, {2: {12: "IN_PROGRESS", 40: "SUCCESSFUL"}}, answer="1=C"),
        change={"task_definition": "web:2", "force": True},
        verdict="SUCCESSFUL",
        ends=(40, 60),
    ),
    "S19 rolled back": Row(
        world=ROLLBACK,
        verdict="DeploymentRolledBack",
        rolled_back_to=definition(1),
        says=f"was rolled back to web:1 | 3 tasks failed to start: {PULL}",
        ends=(40, 60),
    ),
    "S19 jumped to its end": Row(
        world=story(
            {0: "2=I:0 1=C", 3: "1=C:2back"},
            {2: {0: "IN_PROGRESS", 3: "ROLLBACK_SUCCESSFUL>1: tripped"}},
        ),
        verdict="DeploymentRolledBack",
        rolled_back_to=definition(1),
        alike_by_service=False,  # the service alone never showed it
    ),
    "S19 the rollback fails": Row(
        world=story(
            {0: "2=I:0 1=C", 20: "1=I:0back 2=F:0f3", 40: "1=F:0back"},
            {2: {1: "IN_PROGRESS", 20: "ROLLBACK_IN_PROGRESS>1*: tripped", 40: "ROLLBACK_FAILED>1*: no image"}},
        ),
        verdict="DeploymentRollbackFailed",
        says="failed, and its rollback too",
    ),
    "S20 superseded": Row(
        world=SUPERSEDED, verdict="DeploymentSuperseded", by=rollout_arn(3), says="superseded by", ends=(20, 45)
    ),
    "S20 stopped without a reason": Row(
        world=attrs.evolve(
            SUPERSEDED,
            update=attrs.evolve(
                SUPERSEDED.update,
                rollouts={2: {1: "IN_PROGRESS", 25: "STOPPED"}, 3: SUPERSEDED.update.rollouts[3]},
            ),
        ),
        verdict="DeploymentSuperseded",
        by=rollout_arn(3),
    ),
    "S20 followed": Row(world=SUPERSEDED, options={"on_superseded": "follow"}, verdict="SUCCESSFUL", ends=(60, 80)),
    "S21 failed, no rollback": Row(
        world=FAILS,
        verdict="DeploymentFailed",
        says=f"circuit breaker | 3 tasks failed to start: {PULL}",
        ends=(20, 60),
    ),
    "S22 the first one stalls": Row(
        world=story(
            {0: "2=I:0", 10: "2=I:0f1", 20: "2=I:0f3"},
            {2: {0: "IN_PROGRESS"}},
            tasks={10: f"2: {PULL}", 20: f"2 x 2: {PULL}"},
            before="d2",
            answer="2=I:0",
        ),
        verdict="DeploymentStalled",
        says=f"no circuit breaker ends it | 3 tasks failed to start: {PULL}",
    ),
    "S22 nothing moves": Row(
        world=story({0: "2=I:0 1=C"}, {2: {0: "IN_PROGRESS"}}),
        options={"stalled_after": 100.0},
        verdict="DeploymentStalled",
        says="nothing has changed for 1",
        ends=(100, 140),
    ),
    "S23 only the count": Row(
        world=story({0: "1=C:2 d4", 10: "1=C:3 d4", 20: "1=C:4 d4"}, answer="1=C:2 d4"),
        change=COUNTS,
        verdict="COMPLETED",
        never=DEPLOYMENT_READS,
        ends=(20, 45),
    ),
    "S23 the count, read behind": Row(
        world=story({0: "1=C", 9: "1=C:2 d4", 20: "1=C:4 d4"}, answer="1=C:2 d4"),
        change=COUNTS,
        verdict="COMPLETED",
        never=DEPLOYMENT_READS,
        ends=(20, 45),
    ),
    "S24 deployed, old ones draining": Row(
        world=story({0: "2=I:0 1=C", 20: "2=C 1=C:2", 1220: "2=C"}, {2: {1: "IN_PROGRESS", 20: "SUCCESSFUL"}}),
        verdict="SUCCESSFUL",
        ends=(20, 40),
    ),
    "S24 stable, old ones draining": Row(
        world=story({0: "2=I:0 1=C", 20: "2=C 1=C:2", 620: "2=C"}, {2: {1: "IN_PROGRESS", 20: "SUCCESSFUL"}}),
        options={"until": "stable", "timeout": 1000},
        verdict="SUCCESSFUL",
        ends=(620, 700),
    ),
    "S24 deployed, superseded before it is stable": Row(
        world=story(
            {0: "2=I:0 1=C", 20: "2=C 1=C:2", 60: "3=I:0 2=C 1=C:1"},
            {2: {1: "IN_PROGRESS", 20: "SUCCESSFUL"}, 3: {60: "IN_PROGRESS"}},
        ),
        options={"until": "stable"},
        verdict="DeploymentSuperseded",
        by=rollout_arn(3),
    ),
    "S29 deleted": Row(
        world=story({0: "2=I:0 1=C", 20: "DRAINING 2=I:0", 30: "INACTIVE"}, {2: {1: "IN_PROGRESS", 22: "STOPPED"}}),
        verdict="ServiceGone",
        says="DRAINING",
        ends=(20, 45),
    ),
    "S29 forgotten": Row(
        world=story({0: "2=I:0 1=C", 20: "gone"}, {2: {1: "IN_PROGRESS", 20: "-"}}),
        verdict="ServiceGone",
        ends=(50, 120),
    ),
    # Combinations.
    "rolled back, then superseded": Row(
        world=story(
            {0: "2=I:0 1=C", 20: "1=I:2back 2=F:0f3", 26: "3=I:0 1=C:2back", 60: "3=C"},
            {
                2: {1: "IN_PROGRESS", 20: "ROLLBACK_IN_PROGRESS>1*: tripped", 26: "ROLLBACK_FAILED>1*: replaced"},
                3: {26: "IN_PROGRESS", 60: "SUCCESSFUL"},
            },
        ),
        verdict="DeploymentRollbackFailed",
        alike_by_service=False,  # no read shows whether it was rolled back before
    ),
    "rolled back well, then superseded": Row(
        world=story(
            {0: "2=I:0 1=C", 20: "1=I:2back 2=F:0f3", 30: "1=C:2back", 31: "3=I:0 1=C:2", 60: "3=C"},
            {
                2: {1: "IN_PROGRESS", 20: "ROLLBACK_IN_PROGRESS>1*: tripped", 30: "ROLLBACK_SUCCESSFUL>1*: tripped"},
                3: {31: "IN_PROGRESS", 60: "SUCCESSFUL"},
            },
        ),
        verdict="DeploymentRolledBack",
        rolled_back_to=definition(1),
        alike_by_service=False,
    ),
    "superseded twice, followed": Row(
        world=story(
            {0: "2=I:0 1=C", 20: "3=I:0 2=I:1 1=C", 40: "4=I:0 3=I:1 1=C", 90: "4=C"},
            {
                2: {1: "IN_PROGRESS", 20: f"STOPPED: Replaced by {rollout_arn(3)}"},
                3: {20: "IN_PROGRESS", 40: f"STOPPED: Replaced by {rollout_arn(4)}"},
                4: {40: "IN_PROGRESS", 90: "SUCCESSFUL"},
            },
        ),
        options={"on_superseded": "follow"},
        verdict="SUCCESSFUL",
        ends=(90, 110),
    ),
    "followed to one that is rolled back": Row(
        world=story(
            {0: "2=I:0 1=C", 20: "3=I:0 2=I:1 1=C", 50: "1=I:2back 3=F:0f3", 70: "1=C:2back"},
            {
                2: {1: "IN_PROGRESS", 20: f"STOPPED: Replaced by {rollout_arn(3)}"},
                3: {20: "IN_PROGRESS", 50: "ROLLBACK_IN_PROGRESS>1*: tripped", 70: "ROLLBACK_SUCCESSFUL>1*: tripped"},
            },
        ),
        options={"on_superseded": "follow"},
        verdict="DeploymentRolledBack",
        rolled_back_to=definition(1),
        says="deployment 3 of prod/web (web:3) was rolled back",
        ends=(70, 90),
    ),
    "deleted during the rollback": Row(
        world=story(
            {0: "2=I:0 1=C", 20: "1=I:2back 2=F:0f3", 30: "DRAINING 1=I:0back"},
            {2: {1: "IN_PROGRESS", 20: "ROLLBACK_IN_PROGRESS>1*: tripped", 31: "STOPPED"}},
        ),
        verdict="ServiceGone",
    ),
    "a status of tomorrow": Row(
        world=story({0: "2=I:0 1=C", 30: "2=C"}, {2: {1: "IN_PROGRESS", 10: "MARVELLING", 30: "SUCCESSFUL"}}),
        verdict="SUCCESSFUL",
        warnings=1,
    ),
    "a stage of tomorrow": Row(
        world=story(
            {0: "2=I:0 1=C", 30: "2=C"},
            {2: {1: "IN_PROGRESS", 10: "IN_PROGRESS@DANCING", 30: "SUCCESSFUL"}},
        ),
        verdict="SUCCESSFUL",
        warnings=1,
    ),
    "time is up": Row(
        world=story({0: "2=I:1 1=C"}, {2: {1: "IN_PROGRESS"}}),
        options={"timeout": 50},
        verdict="WaitTimeout",
        says="1 of 2 tasks running",
        ends=(50, 50),
    ),
    "outdated currentServiceDeployment": Row(
        world=attrs.evolve(
            SUCCESS,
            before="1=C cur1",
            answer="2=I:0 1=C cur1",
            update=attrs.evolve(
                SUCCESS.update, service={0: "1=C cur1", 9: "2=I:0 1=C cur1", 20: "2=I:1 1=C cur1", 40: "2=C cur1"}
            ),
        ),
        verdict="SUCCESSFUL",
        ends=(40, 56),
    ),
    # A circuit breaker that rolls back without ever having a service deployment to show.
    "never listed": Row(
        world=story({0: "2=I:0 1=C", 24: "1=I:2back 2=F:0f3", 100: "1=C:2back"}, {}),
        verdict="DeploymentRolledBack",
        rolled_back_to=definition(1),
        warnings=1,
        ends=(100, 140),
    ),
    "other numbers, found by what the service calls the current one": Row(
        world=story(
            {0: "2=I:0 1=C cur2", 100: "2=C cur2"},
            {2: {0: "IN_PROGRESS", 100: "SUCCESSFUL"}},
            odd_numbers=True,
        ),
        verdict="SUCCESSFUL",
        ends=(100, 130),
    ),
}
