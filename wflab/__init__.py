"""wflab: a laboratory for durable workflows inside Jupyter. `%load_ext wflab`, then `import wflab as wf`."""

from importlib.metadata import version

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all, when_any
from wfengine.errors import NonDeterminismError, NonRetryableError, TaskFailedError, WflabError, WorkflowFailed
from wfengine.model.retry import RetryPolicy
from wfengine.runtime.worker import WorkflowActivityContext
from wflab.dapr import DaprWorkflowClient, WorkflowRuntime, WorkflowState, WorkflowStatus, activity, alternate_name, workflow
from wflab.lab import Lab, current_lab
from wflab.magics import load_ipython_extension, unload_ipython_extension
from wflab.run import Run

DaprWorkflowContext = WorkflowContext
__version__ = version("wflab")

__all__ = [
    "DaprWorkflowClient",
    "DaprWorkflowContext",
    "Lab",
    "NonDeterminismError",
    "NonRetryableError",
    "RetryPolicy",
    "Run",
    "TaskFailedError",
    "WflabError",
    "WorkflowActivityContext",
    "WorkflowContext",
    "WorkflowFailed",
    "WorkflowRuntime",
    "WorkflowState",
    "WorkflowStatus",
    "activity",
    "alternate_name",
    "current_lab",
    "load_ipython_extension",
    "unload_ipython_extension",
    "when_all",
    "when_any",
    "workflow",
]
