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
    +-- TaskFailedError                            a task ended, and not well
    +-- TasksMissing                               ECS does not show some of the tasks asked about
    +-- TasksNotStopped                            some tasks could not be told to stop
    +-- PaginationError                            ECS repeats a page token
    +-- WaitCancelled                              a wait's `cancel` event was set
    +-- WaitError                                  a wait ended without what it waited for
        +-- WaitTimeout
        +-- NotVisible                             never seen within the grace
        |   +-- TaskNotVisible
        +-- Vanished                               seen, then no more
        |   +-- TaskPurged                         forgotten by ECS
        +-- WaitFailed                             in a state from which it will not be what was waited for
            +-- TaskStoppedEarly                   stopped before it was what was waited for

The errors under the groups carry the names that ECS gives them. `retryable` says of each whether the same request may
succeed later.
"""

from __future__ import annotations

from ecskit._core.errors import *  # this module is the public face of that one
from ecskit._core.errors import __all__ as _own
from ecskit._core.task_errors import *
from ecskit._core.task_errors import __all__ as _tasks
from ecskit._core.wait_errors import *
from ecskit._core.wait_errors import __all__ as _waits
from ecskit._generated.errors import *
from ecskit._generated.errors import __all__ as _services

__all__ = [*_own, *_services, *_tasks, *_waits]  # pyright: ignore[reportUnsupportedDunderAll]  # all of them are lists where they stand
