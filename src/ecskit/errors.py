"""Every error that ecskit raises.

The tree::

    EcsError
    +-- RequestError (ValueError)                  bad input; nothing was sent
    +-- ConfigurationError                         no region, unknown profile, bad argument of a client
    |   +-- MissingExtraError (ImportError)        an optional dependency is not installed
    |   +-- WrongEventLoopError                    an async client belongs to one event loop
    |   +-- ClientClosedError
    |   +-- UnsupportedOperationError              a wrapped client's model is too old
    +-- TransportError                             no answer, or none that can be understood
    |   +-- ConnectionFailedError
    |   +-- TimedOutError
    |   +-- CredentialsError                       none were found; nothing was sent
    |   +-- MalformedResponseError                 truncated, not JSON, not UTF-8, without its result
    +-- ServiceError (botocore's ClientError)      ECS answered with an error
    |   +-- NotFoundError                          ClusterNotFoundException, ServiceNotFoundException, ...
    |   +-- ConflictError                          ConflictException, UpdateInProgressException, ...
    |   +-- StateError                             ServiceNotActiveException, ClusterContainsTasksException, ...
    |   +-- LimitError                             LimitExceededException, ...
    |   +-- InvalidRequestError                    InvalidParameterException, ClientException, ...
    |   +-- UnsupportedError                       UnsupportedFeatureException, ...
    |   +-- AccessDeniedError                      AccessDeniedException, expired credentials, ...
    |   +-- ThrottledError                         ThrottlingException and its kin
    |   +-- ServerError                            ServerException, any 5xx
    +-- FailuresError                              `failures` in a successful answer
    |   +-- TasksNotStarted                        fewer tasks were started than asked for
    |   +-- ContainerInstancesNotChanged           some are not in the state asked for
    +-- TaskFailedError                            a task ended, and not well
    +-- TasksNotStopped                            StopTask failed for some of the tasks
    +-- ContainerAgentsNotUpdated                  UpdateContainerAgent failed for some of the agents
    +-- MissingError                               ECS does not show some of the resources that were named
    |   +-- TasksMissing
    |   +-- ServicesMissing
    |   +-- ContainerInstancesMissing
    +-- UnsupportedController                      CodeDeploy carries out the deployments of a service
    +-- DeploymentInProgress                       the service is being deployed, and must not be
    +-- NothingToRollBack
    +-- PaginationError                            ECS repeats a page token
    +-- WaitCancelled                              a wait's `cancel` event was set
    +-- WaitError                                  a wait ended without what it waited for
        +-- WaitTimeout
        +-- NotVisible                             never seen within the grace
        |   +-- TaskNotVisible
        +-- Vanished                               seen, then no more
        |   +-- TaskPurged                         forgotten by ECS
        +-- ServiceGone                            a service is being deleted, or was
        +-- DeploymentFailed                       a deployment of a service failed, and nothing was rolled back
        |   +-- DeploymentRolledBack               the service is back at what it ran before
        |   +-- DeploymentRollbackFailed
        |   +-- DeploymentStalled                  its tasks fail or cannot be placed, and nothing in ECS ends it
        |   +-- DeploymentUnstable                 it succeeded, and its tasks did not stay up
        +-- DeploymentSuperseded                   a newer one has taken its place
        +-- DeploymentPaused                       a hook waits for somebody
        +-- WaitFailed                             in a state from which it will not be what was waited for
            +-- TaskStoppedEarly                   stopped before it was what was waited for

The errors under the groups carry the names that ECS gives them. `retryable` says of each whether the same request may
succeed later.
"""

from __future__ import annotations

from ecskit._api.service_errors import *
from ecskit._api.service_errors import __all__ as _service
from ecskit._container_instances.errors import *
from ecskit._container_instances.errors import __all__ as _container_instances
from ecskit._core.errors import *
from ecskit._core.errors import __all__ as _core
from ecskit._deployments.errors import *
from ecskit._deployments.errors import __all__ as _deployments
from ecskit._polling.errors import *
from ecskit._polling.errors import __all__ as _polling
from ecskit._tasks.errors import *
from ecskit._tasks.errors import __all__ as _tasks
from ecskit._waits.errors import *
from ecskit._waits.errors import __all__ as _waits

__all__ = [*_core, *_service, *_polling, *_waits, *_tasks, *_deployments, *_container_instances]  # pyright: ignore[reportUnsupportedDunderAll]  # all of them are lists where they stand
