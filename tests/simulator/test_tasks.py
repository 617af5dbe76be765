from __future__ import annotations

from ecskit.testing import TaskScript

from .support import ARN, World, exit_codes


def test_describe_reports_unknown_tasks_as_missing(world: World) -> None:
    """Tasks that do not exist are failures with the reason MISSING and their full ARN."""
    world.register()
    arn = world.run_one()
    answer = world.do("DescribeTasks", tasks=[arn, "feedbeef"])
    assert [task["taskArn"] for task in answer["tasks"]] == [arn]
    assert answer["failures"] == [{"arn": f"{ARN}task/default/feedbeef", "reason": "MISSING"}]


def test_a_task_is_found_in_its_cluster_only(world: World) -> None:
    """A task is MISSING in another cluster."""
    world.register()
    world.do("CreateCluster", clusterName="other")
    arn = world.run_one()
    assert world.do("DescribeTasks", cluster="other", tasks=[arn])["failures"] == [{"arn": arn, "reason": "MISSING"}]


def test_describe_takes_ids_and_arns(world: World) -> None:
    """A task can be named by its id or its ARN; if named twice, it is shown once."""
    world.register()
    arn = world.run_one()
    answer = world.do("DescribeTasks", tasks=[arn.rsplit("/", 1)[1], arn])
    assert {task["taskArn"] for task in answer["tasks"]} == {arn}


def test_describe_takes_1_to_100_tasks(world: World) -> None:
    """No tasks, or more than 100, are refused."""
    assert world.refusal("DescribeTasks", tasks=[]).message == "Tasks cannot be empty."
    assert world.refusal("DescribeTasks", tasks=["x"] * 101).code == "InvalidParameterException"
    world.do("DescribeTasks", tasks=[str(number) for number in range(100)])


def test_tags_are_shown_on_demand(world: World) -> None:
    """DescribeTasks shows tags only with `include`."""
    world.register()
    arn = world.run_one(tags=[{"key": "a", "value": "1"}])
    assert world.do("DescribeTasks", tasks=[arn])["tasks"][0]["tags"] == []
    assert world.task(arn)["tags"] == [{"key": "a", "value": "1"}]


def test_stop_sets_the_desired_status_at_once(world: World) -> None:
    """StopTask answers with desiredStatus STOPPED, the user's reason, and a lastStatus that still runs."""
    world.register()
    arn = world.run_one()
    world.pass_(30)
    task = world.do("StopTask", task=arn, reason="enough")["task"]
    shown = [task[name] for name in ("lastStatus", "desiredStatus", "stopCode", "stoppedReason")]
    assert shown == ["RUNNING", "STOPPED", "UserInitiated", "enough"]
    world.pass_(30)
    assert exit_codes(world.task(arn)) == {"app": 143}


def test_stopping_twice_changes_nothing(world: World) -> None:
    """A second StopTask keeps the first one's reason and time."""
    world.register()
    arn = world.run_one()
    first = world.do("StopTask", task=arn, reason="one")["task"]
    world.pass_(1)
    second = world.do("StopTask", task=arn, reason="two")["task"]
    assert [first[name] for name in ("stoppedReason", "stoppingAt")] == [
        second[name] for name in ("stoppedReason", "stoppingAt")
    ]


def test_a_task_stopped_before_it_ran_has_no_exit_code(world: World) -> None:
    """A task that is stopped while it starts never gets startedAt or exit codes."""
    world.register()
    arn = world.run_one()
    world.pass_(3)
    world.do("StopTask", task=arn)
    world.pass_(60)
    task = world.task(arn)
    assert task["lastStatus"] == "STOPPED"
    assert "startedAt" not in task
    assert exit_codes(task) == {"app": None}


def test_stopping_an_unknown_task(world: World) -> None:
    """StopTask for an unknown task is an InvalidParameterException."""
    refusal = world.refusal("StopTask", task="feedbeef")
    assert (refusal.code, refusal.message) == ("InvalidParameterException", "The referenced task was not found.")


def test_stopped_tasks_are_missing_after_an_hour(world: World) -> None:
    """One hour after it stopped, a task is MISSING."""
    world.sim.script("web", TaskScript(time_to_start=0, time_to_stop=0))
    world.register()
    arn = world.run_one()
    world.do("StopTask", task=arn)
    world.pass_(3599)
    assert world.task(arn)["lastStatus"] == "STOPPED"
    world.pass_(1)
    assert world.do("DescribeTasks", tasks=[arn])["failures"] == [{"arn": arn, "reason": "MISSING"}]
    assert world.refusal("StopTask", task=arn).code == "InvalidParameterException"


def test_each_task_is_missing_an_hour_after_its_own_end(world: World) -> None:
    """Also one that was stopped before its time, and one that ended while another was kept."""
    world.sim.script("long", TaskScript.exits(0, after=50_000))
    world.sim.script("short", TaskScript.exits(0, after=500))
    for family in ("long", "short"):
        world.register(family)
    stopped, ended, kept = world.run_one("long"), world.run_one("short"), world.run_one("long")
    world.pass_(1000)
    world.do("StopTask", task=stopped)
    world.pass_(100)
    ends = {arn: world.task(arn)["stoppedAt"] for arn in (stopped, ended)}
    for arn, end in sorted(ends.items(), key=lambda each: each[1]):
        world.pass_(end + 3599 - world.clock())
        assert world.task(arn)["lastStatus"] == "STOPPED"
        world.pass_(1)
        assert world.do("DescribeTasks", tasks=[arn])["failures"] == [{"arn": arn, "reason": "MISSING"}]
    assert world.task(kept)["lastStatus"] == "RUNNING"


def test_list_filters(world: World) -> None:
    """ListTasks selects by family, startedBy, launch type, desired status and container instance."""
    world.register("web")
    world.register("job")
    instance = world.add_instance()
    world.register_for_instances("old")
    web = world.run_one("web", startedBy="me")
    job = world.run_one("job")
    (old,) = (task["taskArn"] for task in world.do("RunTask", taskDefinition="old")["tasks"])
    world.do("StopTask", task=job)
    cases = [
        ({}, [web, old]),
        ({"family": "web"}, [web]),
        ({"family": "we"}, []),
        ({"startedBy": "me"}, [web]),
        ({"launchType": "FARGATE"}, [web]),
        ({"launchType": "EC2"}, [old]),
        ({"desiredStatus": "STOPPED"}, [job]),
        ({"desiredStatus": "PENDING"}, []),
        ({"containerInstance": instance}, [old]),
    ]
    for filters, expected in cases:
        assert (filters, world.do("ListTasks", **filters)["taskArns"]) == (filters, expected)


def test_list_pages_are_stable(world: World) -> None:
    """Pages follow the order of creation, also when tasks are launched or stop between two calls."""
    world.register()
    arns = [task["taskArn"] for _ in range(3) for task in world.run(count=10)]
    first = world.do("ListTasks", maxResults=12)
    assert first["taskArns"] == arns[:12]
    world.do("StopTask", task=arns[0])
    newest = world.run_one()
    second = world.do("ListTasks", maxResults=100, nextToken=first["nextToken"])
    assert second == {"taskArns": [*arns[12:], newest]}


def test_list_default_page_is_100(world: World) -> None:
    """Without maxResults, a page has 100 tasks."""
    world.register()
    for _ in range(11):
        world.run(count=10)
    first = world.do("ListTasks")
    second = world.do("ListTasks", nextToken=first["nextToken"])
    assert (len(first["taskArns"]), len(second["taskArns"])) == (100, 10)


def test_list_refuses_bad_pages(world: World) -> None:
    """A page size out of bounds, an invented token, and a token of another request are refused."""
    world.register()
    world.run(count=3)
    token = world.do("ListTasks", maxResults=1)["nextToken"]
    for request in (
        {"maxResults": 0},
        {"maxResults": 101},
        {"nextToken": "bogus"},
        {"nextToken": "W10="},
        {"nextToken": token, "family": "web"},
    ):
        assert world.refusal("ListTasks", **request).code == "InvalidParameterException"
    assert world.refusal("ListTasks", nextToken="bogus").message == "Invalid token."


def test_list_of_unknown_things(world: World) -> None:
    """An unknown cluster, service or container instance is an error, not an empty list."""
    assert world.refusal("ListTasks", cluster="nope").code == "ClusterNotFoundException"
    assert world.refusal("ListTasks", serviceName="nope").code == "ServiceNotFoundException"
    assert world.refusal("ListTasks", containerInstance="nope").code == "InvalidParameterException"
