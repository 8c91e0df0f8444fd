"""A13: multi-app workflows. Each app has its own names; a call to an app that is not here waits, and is shown to wait."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.waiting import eventually
from wfengine.core.context import WorkflowContext
from wfengine.errors import DefinitionNotFound
from wfengine.model.instance import Status
from wfengine.runtime.engine import Engine
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]
Advance = Callable[[timedelta], None]


def calls_billing(ctx: WorkflowContext, amount: int) -> Steps:
    charged = yield ctx.call_activity("charge", input=amount, app_id="billing")
    child = yield ctx.call_child_workflow("invoice", input=amount, app_id="billing", instance_id="invoice-1")
    return [charged, child]


def invoice(ctx: WorkflowContext, amount: int) -> Steps:
    return (yield ctx.call_activity("charge", input=amount * 10))


def charge_of(app: str) -> Callable[..., Any]:
    def charge(_ctx: Any, amount: int) -> str:
        return f"{app} {amount}"

    return charge


def test_a_call_with_app_id_runs_what_that_app_registered(engine: Engine) -> None:
    engine.register_workflow(calls_billing)
    engine.register_activity(charge_of("here"))
    engine.register_activity(charge_of("billing"), app_id="billing")
    engine.register_workflow(invoice, app_id="billing")
    engine.schedule_new_workflow("calls_billing", input=5, instance_id="w")
    assert engine.wait_for_workflow_completion("w", 20).output == '["billing 5", "billing 50"]'
    child = engine.get_workflow_state("invoice-1")
    assert child is not None
    assert child.app_id == "billing"


def test_a_call_to_an_app_that_is_not_here_waits_is_shown_to_wait_and_goes_on_when_it_comes(opened: Opener) -> None:
    engine = opened()
    engine.register_workflow(calls_billing)
    engine.schedule_new_workflow("calls_billing", input=5, instance_id="w")
    engine.wait_for_workflow_start("w", 20)
    assert "billing" in (engine.lacking("w") or "")
    engine.close()
    engine = opened()
    engine.register_workflow(calls_billing)
    engine.register_activity(charge_of("billing"), app_id="billing")
    eventually(lambda: "invoice" in (engine.lacking("invoice-1") or ""))
    engine.register_workflow(invoice, app_id="billing")
    assert engine.wait_for_workflow_completion("w", 20).output == '["billing 5", "billing 50"]'


def test_an_instance_for_an_app_that_is_not_here_is_pending_until_the_app_comes(engine: Engine) -> None:
    engine.schedule_new_workflow("invoice", input=1, instance_id="w", app_id="billing")
    state = engine.get_workflow_state("w")
    assert state is not None
    assert (state.status, state.app_id) == (Status.PENDING, "billing")
    assert "app 'billing'" in (engine.lacking("w") or "")
    engine.register_workflow(invoice, app_id="billing")
    engine.register_activity(charge_of("billing"), app_id="billing")
    assert engine.wait_for_workflow_completion("w", 20).output == '"billing 10"'


def test_a_name_that_an_app_which_is_here_does_not_have_is_refused(engine: Engine) -> None:
    engine.register_workflow(invoice, app_id="billing")
    with pytest.raises(DefinitionNotFound, match=r"'nothing'.*registered: invoice"):
        engine.schedule_new_workflow("nothing", app_id="billing")
    with pytest.raises(DefinitionNotFound, match="'invoice'"):
        engine.schedule_new_workflow("invoice")
