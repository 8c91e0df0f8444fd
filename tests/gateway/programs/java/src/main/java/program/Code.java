package program;

import io.dapr.durabletask.Task;
import io.dapr.durabletask.TaskCanceledException;
import io.dapr.workflows.Workflow;
import io.dapr.workflows.WorkflowActivity;
import io.dapr.workflows.WorkflowContext;
import io.dapr.workflows.WorkflowStub;
import io.dapr.workflows.WorkflowTaskOptions;
import io.dapr.workflows.WorkflowTaskRetryPolicy;
import io.dapr.workflows.runtime.WorkflowRuntimeBuilder;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The workflows and activities of the scenarios in ../python/scenarios.py, by the same names. */
final class Code {
  private static final Duration SHORT = Duration.ofMillis(200);
  private static final Map<String, Integer> ATTEMPTS = new ConcurrentHashMap<>();

  private Code() {
  }

  static void register(WorkflowRuntimeBuilder builder) {
    workflow(builder, "chaining", Code::chaining);
    workflow(builder, "fan_out", Code::fanOut);
    workflow(builder, "child", Code::child);
    workflow(builder, "parent", Code::parent);
    workflow(builder, "retries", Code::retries);
    workflow(builder, "timer", Code::timer);
    workflow(builder, "event", Code::event);
    workflow(builder, "event_timeout", Code::eventTimeout);
    workflow(builder, "counter", Code::counter);
    workflow(builder, "failing", context -> context.callActivity("refuse").await());
    activity(builder, "add_one", context -> context.getInput(Integer.class) + 1);
    activity(builder, "square", context -> context.getInput(Integer.class) * context.getInput(Integer.class));
    activity(builder, "flaky", context -> {
      int attempt = ATTEMPTS.merge(context.getTaskExecutionId(), 1, Integer::sum);
      if (attempt < 3) {
        throw new IllegalStateException("not yet");
      }
      return "attempt " + attempt;
    });
    activity(builder, "refuse", context -> {
      throw new IllegalArgumentException("it is refused");
    });
  }

  private static void workflow(WorkflowRuntimeBuilder builder, String name, WorkflowStub code) {
    Workflow workflow = () -> code;
    builder.registerWorkflow(name, workflow, null, null);
  }

  private static void activity(WorkflowRuntimeBuilder builder, String name, WorkflowActivity code) {
    builder.registerActivity(name, code);
  }

  private static void chaining(WorkflowContext context) {
    int number = context.getInput(Integer.class);
    for (int step = 0; step < 3; step++) {
      number = context.callActivity("add_one", number, Integer.class).await();
    }
    context.complete(number);
  }

  private static void fanOut(WorkflowContext context) {
    List<Task<Integer>> squares = Arrays.stream(context.getInput(int[].class))
        .mapToObj(number -> context.callActivity("square", number, Integer.class))
        .toList();
    context.complete(context.allOf(squares).await().stream().mapToInt(Integer::intValue).sum());
  }

  private static void child(WorkflowContext context) {
    int more = context.callActivity("add_one", context.getInput(Integer.class), Integer.class).await();
    context.complete(more * 2);
  }

  private static void parent(WorkflowContext context) {
    int number = context.getInput(Integer.class);
    String childId = context.getInstanceId() + "-child";
    context.complete(context.callChildWorkflow("child", number, childId, Integer.class).await());
  }

  private static void retries(WorkflowContext context) {
    WorkflowTaskRetryPolicy policy = WorkflowTaskRetryPolicy.newBuilder()
        .setFirstRetryInterval(Duration.ofMillis(50))
        .setMaxNumberOfAttempts(5)
        .build();
    context.complete(context.callActivity("flaky", null, new WorkflowTaskOptions(policy), String.class).await());
  }

  private static void timer(WorkflowContext context) {
    Instant before = context.getCurrentInstant();
    context.createTimer(SHORT).await();
    context.complete(Duration.between(before, context.getCurrentInstant()).compareTo(SHORT) >= 0);
  }

  private static void event(WorkflowContext context) {
    context.setCustomStatus("waiting");
    context.complete(context.waitForExternalEvent("go", Object.class).await());
  }

  private static void eventTimeout(WorkflowContext context) {
    try {
      context.waitForExternalEvent("never", SHORT, Object.class).await();
      context.complete("came");
    } catch (TaskCanceledException late) {
      context.complete("timed out");
    }
  }

  private static void counter(WorkflowContext context) {
    int number = context.getInput(Integer.class);
    context.callActivity("add_one", number, Integer.class).await();
    if (number < 3) {
      context.continueAsNew(number + 1);
    }
    context.complete(number);
  }
}
