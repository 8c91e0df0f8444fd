"""A workflow context that tells which functions are called: history holds only their names."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import Task
from wfengine.testing.answers import Answers


class NoticingContext(WorkflowContext):
    """`context`, seen through another class: both share one state. Signatures stay, since code may ask for them."""

    def __init__(self, context: WorkflowContext, answers: Answers) -> None:
        self.__dict__ = vars(context)
        self._answers = answers

    @wraps(WorkflowContext.call_activity)
    def call_activity(self, activity: Callable[..., Any] | str, **options: Any) -> Task[Any]:  # type: ignore[override]  # by wraps, it is the same
        """As everywhere; the function is kept."""
        self._answers.note("activity", activity)
        return super().call_activity(activity, **options)

    def is_patched(self, patch_name: str) -> bool:
        """As everywhere; a patch that the test leaves out had been passed before it was made."""
        return self._answers.applies(patch_name) and super().is_patched(patch_name)

    @wraps(WorkflowContext.call_child_workflow)
    def call_child_workflow(self, workflow: Callable[..., Any] | str, **options: Any) -> Task[Any]:  # type: ignore[override]  # likewise
        """As everywhere; the function is kept."""
        self._answers.note("workflow", workflow)
        return super().call_child_workflow(workflow, **options)
