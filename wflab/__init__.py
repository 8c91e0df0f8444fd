"""wflab: a laboratory for durable workflows inside Jupyter. `%load_ext wflab`, then `import wflab as wf`."""

from importlib.metadata import version

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all, when_any
from wfengine.errors import (
    NonDeterminismError,
    NonRetryableError,
    PropagationNotFoundError,
    TaskFailedError,
    WflabError,
    WorkflowFailed,
)
from wfengine.model.circuit import CircuitBreaker, consecutive_failures
from wfengine.model.failure import FailureDetails
from wfengine.model.payload import UNSET
from wfengine.model.propagation import ActivityResult, ChildWorkflowResult, PropagatedHistory, PropagationScope, WorkflowResult
from wfengine.model.retry import RetryPolicy
from wfengine.runtime.limits import Limits
from wfengine.runtime.retention import StateRetention
from wfengine.runtime.worker import WorkflowActivityContext
from wflab import aio, testing
from wflab.analytics.fleet.slo import SLO
from wflab.dapr.client import DaprWorkflowClient
from wflab.dapr.history import WorkflowHistoryEvent, WorkflowHistoryEventType, WorkflowInstanceIdPage
from wflab.dapr.mcp import DaprMCPClient, MCPToolDef
from wflab.dapr.runtime import WorkflowRuntime, activity, alternate_name, workflow
from wflab.dapr.state import WorkflowState, WorkflowStatus
from wflab.lab import Lab, current_lab, diff, recipes
from wflab.magics import load_ipython_extension, unload_ipython_extension
from wflab.options import options, palette
from wflab.run import Run
from wflab.saga import Saga, SagaCompensationError

DaprWorkflowContext = WorkflowContext
__version__ = version("wflab")

__all__ = [
    "SLO",
    "UNSET",
    "ActivityResult",
    "ChildWorkflowResult",
    "CircuitBreaker",
    "DaprMCPClient",
    "DaprWorkflowClient",
    "DaprWorkflowContext",
    "FailureDetails",
    "Lab",
    "Limits",
    "MCPToolDef",
    "NonDeterminismError",
    "NonRetryableError",
    "PropagatedHistory",
    "PropagationNotFoundError",
    "PropagationScope",
    "RetryPolicy",
    "Run",
    "Saga",
    "SagaCompensationError",
    "StateRetention",
    "TaskFailedError",
    "WflabError",
    "WorkflowActivityContext",
    "WorkflowContext",
    "WorkflowFailed",
    "WorkflowHistoryEvent",
    "WorkflowHistoryEventType",
    "WorkflowInstanceIdPage",
    "WorkflowResult",
    "WorkflowRuntime",
    "WorkflowState",
    "WorkflowStatus",
    "activity",
    "aio",
    "alternate_name",
    "consecutive_failures",
    "current_lab",
    "diff",
    "load_ipython_extension",
    "options",
    "palette",
    "recipes",
    "testing",
    "unload_ipython_extension",
    "when_all",
    "when_any",
    "workflow",
]
