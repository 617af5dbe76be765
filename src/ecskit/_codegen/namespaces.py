"""The namespaces of a client and the handles, with the modules whose verbs are their methods."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Handle:
    """An object that methods return in place of a value. It holds the value and has its verbs as methods."""

    class_: str
    stem: str
    """The name of the namespace, and so of the generated modules."""
    module: str
    """The module that defines the value."""
    value: str = "started"
    """What the handle calls the value: a property of its base class."""
    blocks: str | None = None
    """The module of the base classes `Block` and `AsyncBlock`, for a value that is open until it is closed. Without
    it, the base class is `Bound`, for values that are compared and stored."""

    @property
    def passed(self) -> str:
        """What its methods pass to the verbs."""
        return f"self._{self.value}" if self.blocks else f"self.{self.value}"


HANDLES = {
    "StartedDeployment": Handle("DeploymentHandle", "deployment", "ecskit._deployments.reference"),
    "Session": Handle("ExecSession", "session", "ecskit._exec.session", "session", "ecskit._exec.blocks"),
}
"""The handles, by the class of their value."""


@dataclass(frozen=True)
class Namespace:
    """A namespace of the client, or a handle, with the modules whose verbs are its methods."""

    name: str
    class_: str
    about: str
    modules: tuple[str, ...]
    """The modules, in the order of the methods. A package stands for all of its modules, in alphabetical order."""
    bound: str | None = None
    """For a handle, the class of the value that its verbs take first."""

    def __post_init__(self) -> None:
        if self.bound:
            handle = HANDLES[self.bound]
            if (handle.class_, handle.stem) != (self.class_, self.name):
                raise ValueError(f"the handle of {self.bound} is {handle.class_} in {handle.stem}; see HANDLES")


NAMESPACES = (
    Namespace(
        name="wait",
        class_="Wait",
        about="Waits. Each returns a typed result, or raises an error that gives the reason.",
        modules=("ecskit._waits", "ecskit._deployments.waits"),
    ),
    Namespace(
        name="tasks",
        class_="TaskVerbs",
        about="Run tasks, wait for them, evaluate how they ended; find, watch, stop, protect, and enter them.",
        modules=(
            "ecskit._tasks.running",
            "ecskit._tasks.completing",
            "ecskit._tasks.stopping",
            "ecskit._tasks.reading",
            "ecskit._tasks.watching",
            "ecskit._tasks.protecting",
            "ecskit._tasks.explaining",
            "ecskit._tasks.logs",
            "ecskit._exec.executing",
            "ecskit._exec.opening",
            "ecskit._exec.shell",
        ),
    ),
    Namespace(
        name="task_definitions",
        class_="TaskDefinitionVerbs",
        about="Register, verify and remove task definitions. `ecskit.task_definitions` has what needs no client.",
        modules=(
            "ecskit._task_definitions.registering",
            "ecskit._task_definitions.verifying",
            "ecskit._task_definitions.removing",
            "ecskit._task_definitions.pruning",
        ),
    ),
    Namespace(
        name="tags",
        class_="TagVerbs",
        about="Add tags to any number of resources, and remove them.",
        modules=("ecskit._tags.changing",),
    ),
    Namespace(
        name="task_sets",
        class_="TaskSetVerbs",
        about="Create, scale, switch and delete task sets, of services with an external deployment controller.",
        modules=("ecskit._task_sets.creating", "ecskit._task_sets.changing", "ecskit._task_sets.deleting"),
    ),
    Namespace(
        name="clusters",
        class_="ClusterVerbs",
        about="Find and describe clusters.",
        modules=("ecskit._clusters.reading",),
    ),
    Namespace(
        name="container_instances",
        class_="ContainerInstanceVerbs",
        about="Drain and activate container instances, update their agents, and find them.",
        modules=(
            "ecskit._container_instances.draining",
            "ecskit._container_instances.updating",
            "ecskit._container_instances.reading",
        ),
    ),
    Namespace(
        name="services",
        class_="ServiceVerbs",
        about="Deploy, scale, create, delete and find services.",
        modules=(
            "ecskit._deployments.deploy",
            "ecskit._deployments.watch",
            "ecskit._deployments.history",
            "ecskit._deployments.rollback",
            "ecskit._services.scaling",
            "ecskit._plans.planning",
            "ecskit._plans.verifying",
            "ecskit._plans.applying",
            "ecskit._services.creating",
            "ecskit._services.autoscaling",
            "ecskit._services.deleting",
            "ecskit._services.reading",
            "ecskit._services.explaining",
            "ecskit._services.logs",
        ),
    ),
    Namespace(
        name="deployment",
        class_="DeploymentHandle",
        about="A started deployment: wait for it, follow its events, stop it or roll it back.",
        modules=("ecskit._deployments.handle",),
        bound="StartedDeployment",
    ),
    Namespace(
        name="session",
        class_="ExecSession",
        about="An open session of ECS Exec: a terminal in a container. Read from it, send to it, resize it, close it.",
        modules=("ecskit._exec.handle",),
        bound="Session",
    ),
)

SYNC_ONLY = ("shell",)
"""Verbs without an async method: they need the main thread for themselves."""
