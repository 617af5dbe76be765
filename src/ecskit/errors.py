"""Every error that ecskit raises.

The tree::

    EcsError
    +-- RequestError (ValueError)                  wrong input; nothing was sent
    +-- ConfigurationError                         no region, unknown profile, bad argument of a client
    |   +-- MissingExtraError (ImportError)        an optional dependency is not installed
    |   +-- WrongEventLoopError                    an async client belongs to one event loop
    |   +-- ClientClosedError
    |   +-- UnsupportedOperationError              a wrapped client's model is too old
    +-- TransportError                             no response, or an invalid one
    |   +-- ConnectionFailedError
    |   +-- TimedOutError
    |   +-- CredentialsError                       none found, or their provider failed; nothing was sent
    |   +-- MalformedResponseError                 truncated, not JSON, not UTF-8, incomplete
    +-- ServiceError (botocore's ClientError)      ECS returned an error
    |   +-- NotFoundError                          ClusterNotFoundException, ServiceNotFoundException, ...
    |   +-- ConflictError                          ConflictException, UpdateInProgressException, ...
    |   +-- StateError                             ServiceNotActiveException, ClusterContainsTasksException, ...
    |   +-- LimitError                             LimitExceededException, ...
    |   +-- InvalidRequestError                    InvalidParameterException, ClientException, ...
    |   +-- CapacityError                          no room for the tasks now; also ClientException, ...
    |   +-- UnsupportedError                       UnsupportedFeatureException, ...
    |   +-- AccessDeniedError                      AccessDeniedException, expired credentials, ...
    |   +-- ThrottledError                         ThrottlingException, ...
    |   +-- ServerError                            ServerException, any 5xx
    +-- FailuresError                              `failures` in a successful response
    |   +-- TasksNotStarted                        fewer tasks were started than requested
    +-- TaskFailedError                            a task ended without success
    +-- BulkError                                  some of many things failed
    |   +-- MissingError                           ECS does not show some of the resources that were named
    |   |   +-- TasksMissing
    |   |   +-- ServicesMissing
    |   |   +-- ClustersMissing
    |   |   +-- ContainerInstancesMissing
    |   +-- ContainerInstancesNotChanged           some are not in the requested state; a FailuresError, too
    |   +-- ContainerAgentsNotUpdated              UpdateContainerAgent failed for some of the agents
    |   +-- TasksNotStopped
    |   +-- TasksNotProtected
    |   +-- TaskDefinitionsNotDeregistered
    |   +-- TaskDefinitionsNotDeleted
    |   +-- TagsNotAdded
    |   +-- TagsNotRemoved
    +-- UnsupportedController                      ECS does not control the deployments of a service
    +-- DeploymentInProgress                       a deployment of the service is under way
    +-- PlanOutdated                               a service has changed since its plan was made
    +-- VerificationFailed                         a definition names what does not exist, or does not fit
    +-- DeploymentsFailed                          some of several watched deployments did not succeed
    +-- AutoscalingNotResumed                      a deployment succeeded, but scaling out stays suspended
    +-- NothingToRollBack
    +-- NotAnEvent                                 a message holds no event of ECS
    |   +-- ForeignEvent                           it holds an event of another source
    +-- EventSourceError                           a queue of events cannot be used
    +-- LogsUnavailable                            no permission, no log group, or a driver that cannot be read
    +-- ExecUnavailable                            ECS Exec cannot be used in a container; nothing was run
    +-- ExecResponseLost                           no response to ExecuteCommand: the command may run
    +-- ExecFailed                                 a command did not exit with code 0
    +-- SessionEnded                               a session of ECS Exec takes no input, or its output is incomplete
    +-- SessionTimeout (TimeoutError)              no output arrived in time, or no input was accepted
    +-- PaginationError                            ECS repeats a page token
    +-- WaitCancelled                              a wait's `cancel` event was set
    +-- WaitError                                  a wait ended, and its condition was not met
        +-- WaitTimeout
        +-- NotVisible                             not shown by any poll within the visibility grace
        |   +-- TaskNotVisible
        +-- Vanished                               shown by a poll, later not found
        |   +-- TaskPurged                         stopped too long ago for ECS to show it
        +-- ServiceGone                            the service is being deleted, or was deleted
        +-- DeploymentFailed                       a deployment failed, and was not rolled back
        |   +-- DeploymentRolledBack               the service runs its previous revision again
        |   +-- DeploymentRollbackFailed
        |   +-- DeploymentStalled                  its tasks fail or cannot be placed; ECS does not end it
        |   +-- DeploymentUnstable                 it succeeded, but its tasks did not stay up
        +-- DeploymentSuperseded                   a newer deployment has replaced it
        +-- DeploymentPaused                       a lifecycle hook waits for an answer
        +-- WaitFailed                             in a state from which the condition cannot be met
            +-- TaskStoppedEarly                   stopped before the condition was met

The errors in the groups of ServiceError have the names that ECS uses. `retryable` is true if the same request may
succeed later.
"""

from __future__ import annotations

from ecskit._api.service_errors import *
from ecskit._api.service_errors import __all__ as _service
from ecskit._autoscaling.errors import *
from ecskit._autoscaling.errors import __all__ as _autoscaling
from ecskit._clusters.errors import *
from ecskit._clusters.errors import __all__ as _clusters
from ecskit._container_instances.errors import *
from ecskit._container_instances.errors import __all__ as _container_instances
from ecskit._core.bulk_errors import *
from ecskit._core.bulk_errors import __all__ as _bulk
from ecskit._core.errors import *
from ecskit._core.errors import __all__ as _core
from ecskit._deployments.errors import *
from ecskit._deployments.errors import __all__ as _deployments
from ecskit._events.errors import *
from ecskit._events.errors import __all__ as _events
from ecskit._exec.errors import *
from ecskit._exec.errors import __all__ as _exec
from ecskit._logs.errors import *
from ecskit._logs.errors import __all__ as _logs
from ecskit._plans.errors import *
from ecskit._plans.errors import __all__ as _plans
from ecskit._polling.errors import *
from ecskit._polling.errors import __all__ as _polling
from ecskit._tags.errors import *
from ecskit._tags.errors import __all__ as _tags
from ecskit._task_definitions.errors import *
from ecskit._task_definitions.errors import __all__ as _task_definitions
from ecskit._tasks.errors import *
from ecskit._tasks.errors import __all__ as _tasks
from ecskit._verification.errors import *
from ecskit._verification.errors import __all__ as _verification
from ecskit._waits.errors import *
from ecskit._waits.errors import __all__ as _waits

__all__ = [
    *_core,
    *_autoscaling,
    *_bulk,
    *_service,
    *_polling,
    *_verification,
    *_waits,
    *_tasks,
    *_task_definitions,
    *_tags,
    *_deployments,
    *_plans,
    *_clusters,
    *_container_instances,
    *_events,
    *_exec,
    *_logs,
]  # pyright: ignore[reportUnsupportedDunderAll]  # all of them are lists where they stand
