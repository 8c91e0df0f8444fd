package program;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.dapr.durabletask.DurableTaskClient;
import io.dapr.durabletask.DurableTaskGrpcClientBuilder;
import io.dapr.workflows.client.DaprWorkflowClient;
import io.dapr.workflows.client.WorkflowRuntimeStatus;
import io.dapr.workflows.client.WorkflowState;
import io.dapr.workflows.runtime.WorkflowRuntimeBuilder;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/**
 * A program with Dapr's SDK for Java, as its user writes one: a worker and a client in one process. Not a test.
 *
 * <p>It runs the scenarios of ../python/scenarios.py and prints what came of each, a line of JSON each.
 */
public final class Scenarios {
  private static final Duration WAIT = Duration.ofSeconds(60);
  private static final ObjectMapper JSON = new ObjectMapper();
  private final DaprWorkflowClient client;

  private Scenarios(DaprWorkflowClient client) {
    this.client = client;
  }

  /** Runs all; with the argument "worker", nothing but the worker, until the standard input is closed. */
  public static void main(String[] arguments) throws Exception {
    WorkflowRuntimeBuilder builder = new WorkflowRuntimeBuilder();
    Code.register(builder);
    builder.build().start(false);
    if (Arrays.asList(arguments).contains("worker")) {
      System.in.readAllBytes();
    } else {
      for (Map.Entry<String, Callable<Object>> scenario : new Scenarios(new DaprWorkflowClient()).all().entrySet()) {
        System.out.println(JSON.writeValueAsString(Map.of(scenario.getKey(), scenario.getValue().call())));
      }
    }
    System.exit(0); // closing the runtime would wait a minute for its stream to end
  }

  private Map<String, Callable<Object>> all() {
    Map<String, Callable<Object>> scenarios = new LinkedHashMap<>();
    scenarios.put("chaining", () -> ended("chaining", 1));
    scenarios.put("fan_out", () -> ended("fan_out", List.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)));
    scenarios.put("child", () -> ended("parent", 5));
    scenarios.put("retries", () -> ended("retries", null));
    scenarios.put("timer", () -> ended("timer", null));
    scenarios.put("event", this::withEvent);
    scenarios.put("event_timeout", () -> ended("event_timeout", null));
    scenarios.put("continue_as_new", () -> ended("counter", 0));
    scenarios.put("custom_status", this::customStatus);
    scenarios.put("suspend_resume", this::suspendResume);
    scenarios.put("terminate", this::terminate);
    scenarios.put("purge", this::purge);
    scenarios.put("failure", this::failure);
    return scenarios;
  }

  private WorkflowState endOf(String instanceId) throws Exception {
    return client.waitForWorkflowCompletion(instanceId, WAIT, true);
  }

  /** What the workflow returns. */
  private Object ended(String workflow, Object input) throws Exception {
    WorkflowState state = endOf(client.scheduleNewWorkflow(workflow, input));
    if (state.getRuntimeStatus() != WorkflowRuntimeStatus.COMPLETED) {
      throw new IllegalStateException(state.toString());
    }
    return state.readOutputAs(Object.class);
  }

  /** Where there is no instance, this SDK gives a state without a name. */
  private String statusOf(String instanceId) {
    WorkflowState state = client.getWorkflowState(instanceId, false);
    return state.getName().isEmpty() ? "none" : state.getRuntimeStatus().name();
  }

  /** Unlike in the other languages, an event is known only by the very name it is waited for. */
  private Object withEvent() throws Exception {
    String instanceId = client.scheduleNewWorkflow("event");
    client.raiseEvent(instanceId, "go", Map.of("n", 1));
    return endOf(instanceId).readOutputAs(Object.class);
  }

  /** The workflow client does not tell the custom status; the one beneath it does. */
  private Object customStatus() throws Exception {
    String instanceId = client.scheduleNewWorkflow("event");
    client.waitForWorkflowStart(instanceId, WAIT, false);
    int port = Integer.parseInt(System.getenv("DAPR_GRPC_PORT"));
    String status;
    try (DurableTaskClient beneath = new DurableTaskGrpcClientBuilder().port(port).build()) {
      status = beneath.getInstanceMetadata(instanceId, true).readCustomStatusAs(String.class);
    }
    client.raiseEvent(instanceId, "go", null);
    endOf(instanceId);
    return status;
  }

  private Object suspendResume() throws Exception {
    String instanceId = client.scheduleNewWorkflow("event");
    client.suspendWorkflow(instanceId, "a look");
    String suspended = statusOf(instanceId);
    client.raiseEvent(instanceId, "go", "late");
    String still = statusOf(instanceId);
    client.resumeWorkflow(instanceId, "looked");
    return List.of(suspended, still, endOf(instanceId).readOutputAs(Object.class));
  }

  private Object terminate() throws Exception {
    String instanceId = client.scheduleNewWorkflow("event");
    client.terminateWorkflow(instanceId, "stopped");
    WorkflowState state = endOf(instanceId);
    return List.of(state.getRuntimeStatus().name(), state.readOutputAs(Object.class));
  }

  private Object purge() throws Exception {
    String instanceId = client.scheduleNewWorkflow("chaining", 1);
    endOf(instanceId);
    String before = statusOf(instanceId);
    client.purgeWorkflow(instanceId);
    return List.of(before, statusOf(instanceId));
  }

  private Object failure() throws Exception {
    WorkflowState state = endOf(client.scheduleNewWorkflow("failing"));
    return List.of(state.getRuntimeStatus().name(), state.getFailureDetails().getErrorMessage().contains("it is refused"));
  }
}
