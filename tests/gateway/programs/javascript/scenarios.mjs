// A program with Dapr's SDK for JavaScript, as its user writes one: a worker and a client in one process. Not a test.
//
// It runs the scenarios of ../python/scenarios.py and prints what came of each, a line of JSON each. `retries` is missing: the SDK has no retry
// policies. It also passes nothing on where an input is 0, so the activities here take 0 for a missing number.

import { readFile } from "node:fs/promises";
import { DaprWorkflowClient, WorkflowRuntime, WorkflowRuntimeStatus } from "@dapr/dapr";

const WAIT_SECONDS = 60;
const SHORT_SECONDS = 0.2;
const sidecar = { daprHost: "127.0.0.1", daprPort: process.env.DAPR_GRPC_PORT };
const runtime = new WorkflowRuntime(sidecar);

async function addOne(_context, number = 0) {
  return number + 1;
}

async function square(_context, number = 0) {
  return number * number;
}

async function refuse() {
  throw new Error("it is refused");
}

/** What the app `shipping` does for others. */
async function ship(_context, order) {
  return { ...order, shipped_by: process.env.APP_ID };
}

async function* chaining(context, number) {
  for (let step = 0; step < 3; step += 1) {
    number = yield context.callActivity(addOne, number);
  }
  return number;
}

async function* fanOut(context, numbers) {
  const squares = yield context.whenAll(numbers.map((number) => context.callActivity(square, number)));
  return squares.reduce((sum, found) => sum + found, 0);
}

async function* child(context, number) {
  const more = yield context.callActivity(addOne, number);
  return more * 2;
}

async function* parent(context, number) {
  return yield context.callChildWorkflow(child, number, `${context.getWorkflowInstanceId()}-child`);
}

async function* timer(context) {
  const before = context.getCurrentUtcDateTime();
  yield context.createTimer(SHORT_SECONDS);
  return context.getCurrentUtcDateTime() - before >= SHORT_SECONDS * 1000;
}

async function* event(context) {
  context.setCustomStatus("waiting");
  return yield context.waitForExternalEvent("go");
}

async function* eventTimeout(context) {
  const late = context.createTimer(SHORT_SECONDS);
  const first = yield context.whenAny([context.waitForExternalEvent("never"), late]);
  return first === late ? "timed out" : "came";
}

async function* counter(context, number) {
  yield context.callActivity(addOne, number);
  if (number < 3) {
    context.continueAsNew(number + 1, false);
    return undefined;
  }
  return number;
}

async function* failing(context) {
  return yield context.callActivity(refuse);
}

for (const activity of [addOne, square, refuse, ship]) {
  runtime.registerActivity(activity);
}
for (const workflow of [chaining, fanOut, child, parent, timer, event, eventTimeout, counter, failing]) {
  runtime.registerWorkflow(workflow);
}

const client = new DaprWorkflowClient(sidecar);
const read = (text) => (text ? JSON.parse(text) : null);
const nameOf = (status) => WorkflowRuntimeStatus[status];
const endOf = (instanceId) => client.waitForWorkflowCompletion(instanceId, true, WAIT_SECONDS);

/** What the workflow returns. */
async function ended(workflow, input) {
  const state = await endOf(await client.scheduleNewWorkflow(workflow, input));
  if (state.runtimeStatus !== WorkflowRuntimeStatus.COMPLETED) {
    throw new Error(`${state.name} is ${nameOf(state.runtimeStatus)}: ${state.workflowFailureDetails?.getErrorMessage()}`);
  }
  return read(state.serializedOutput);
}

async function statusOf(instanceId) {
  const state = await client.getWorkflowState(instanceId, false);
  return state === undefined ? "none" : nameOf(state.runtimeStatus);
}

async function withEvent() {
  const instanceId = await client.scheduleNewWorkflow(event);
  await client.raiseEvent(instanceId, "GO", { n: 1 });
  return read((await endOf(instanceId)).serializedOutput);
}

async function customStatus() {
  const instanceId = await client.scheduleNewWorkflow(event);
  await client.waitForWorkflowStart(instanceId, false, WAIT_SECONDS);
  const state = await client.getWorkflowState(instanceId, true);
  await client.raiseEvent(instanceId, "go");
  await endOf(instanceId);
  return state.customStatus; // as it was set: this SDK makes no JSON of it
}

async function suspendResume() {
  const instanceId = await client.scheduleNewWorkflow(event);
  await client.suspendWorkflow(instanceId);
  const seen = [await statusOf(instanceId)];
  await client.raiseEvent(instanceId, "go", "late");
  seen.push(await statusOf(instanceId));
  await client.resumeWorkflow(instanceId);
  return [...seen, read((await endOf(instanceId)).serializedOutput)];
}

async function terminate() {
  const instanceId = await client.scheduleNewWorkflow(event);
  await client.terminateWorkflow(instanceId, "stopped");
  const state = await endOf(instanceId);
  return [nameOf(state.runtimeStatus), read(state.serializedOutput)];
}

async function purge() {
  const instanceId = await client.scheduleNewWorkflow(chaining, 1);
  await endOf(instanceId);
  const before = await statusOf(instanceId);
  await client.purgeWorkflow(instanceId);
  return [before, await statusOf(instanceId)];
}

async function failure() {
  const state = await endOf(await client.scheduleNewWorkflow(failing));
  return [nameOf(state.runtimeStatus), state.workflowFailureDetails.getErrorMessage().includes("it is refused")];
}

const SCENARIOS = {
  chaining: () => ended(chaining, 1),
  fan_out: () => ended(fanOut, [...Array(10).keys()]),
  child: () => ended(parent, 5),
  timer: () => ended(timer),
  event: withEvent,
  event_timeout: () => ended(eventTimeout),
  continue_as_new: () => ended(counter, 0),
  custom_status: customStatus,
  suspend_resume: suspendResume,
  terminate,
  purge,
  failure,
};

await runtime.start();
if (process.argv[2] === "worker") {
  await readFile("/dev/stdin"); // until whoever started it is gone
} else {
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    console.log(JSON.stringify({ [name]: await scenario() }));
  }
}
await runtime.stop();
await client.stop();
