"""ListTasks refuses the combinations of filters that ECS was seen to refuse, and takes the others."""

from __future__ import annotations

import itertools

from .support import World

REFUSED = {
    "startedBy": {"serviceName", "containerInstance", "family", "launchType"},
    "serviceName": {"containerInstance", "family"},
}


def test_combinations() -> None:
    """Each pair of filters. `desiredStatus` goes with each."""
    world = World()
    world.register_for_instances("job")
    instance = world.do("RegisterContainerInstance")["containerInstance"]["containerInstanceArn"]
    world.do("CreateService", serviceName="web", taskDefinition="job", desiredCount=0)
    filters = {
        "serviceName": "web",
        "startedBy": "me",
        "containerInstance": instance,
        "family": "job",
        "launchType": "EC2",
        "desiredStatus": "RUNNING",
    }
    for one, other in itertools.combinations(filters, 2):
        expected = next(
            (
                f"cannot specify {first} with other arguments"
                for first, second in ((one, other), (other, one))
                if second in REFUSED.get(first, ())
            ),
            None,
        )
        request = {one: filters[one], other: filters[other]}
        if expected is None:
            world.do("ListTasks", **request)
        else:
            refusal = world.refusal("ListTasks", **request)
            assert ("InvalidParameterException", expected) == (refusal.code, refusal.message)
