// A program with Dapr's SDK for Go (durabletask-go), as its user writes one: a worker and a client in one process. Not a test.
//
// It runs the scenarios of ../python/scenarios.py and prints what came of each, a line of JSON each.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/dapr/durabletask-go/api"
	"github.com/dapr/durabletask-go/task"
	"github.com/dapr/durabletask-go/workflow"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	wait  = 60 * time.Second
	short = 200 * time.Millisecond
)

var (
	client   *workflow.Client
	attempts sync.Map // of `flaky`, by the call's task execution id
)

func addOne(ctx workflow.ActivityContext) (any, error) {
	var number int
	err := ctx.GetInput(&number)
	return number + 1, err
}

func square(ctx workflow.ActivityContext) (any, error) {
	var number int
	err := ctx.GetInput(&number)
	return number * number, err
}

func flaky(ctx workflow.ActivityContext) (any, error) {
	before, _ := attempts.LoadOrStore(ctx.GetTaskExecutionID(), 0)
	number := before.(int) + 1
	attempts.Store(ctx.GetTaskExecutionID(), number)
	if number < 3 {
		return nil, errors.New("not yet")
	}
	return fmt.Sprintf("attempt %d", number), nil
}

func refuse(workflow.ActivityContext) (any, error) {
	return nil, errors.New("it is refused")
}

func chaining(ctx *workflow.WorkflowContext) (any, error) {
	var number int
	if err := ctx.GetInput(&number); err != nil {
		return nil, err
	}
	for range 3 {
		if err := ctx.CallActivity(addOne, workflow.WithActivityInput(number)).Await(&number); err != nil {
			return nil, err
		}
	}
	return number, nil
}

func fanOut(ctx *workflow.WorkflowContext) (any, error) {
	var numbers []int
	if err := ctx.GetInput(&numbers); err != nil {
		return nil, err
	}
	var squares []workflow.Task
	for _, number := range numbers {
		squares = append(squares, ctx.CallActivity(square, workflow.WithActivityInput(number)))
	}
	sum := 0
	for _, found := range squares {
		var one int
		if err := found.Await(&one); err != nil {
			return nil, err
		}
		sum += one
	}
	return sum, nil
}

func child(ctx *workflow.WorkflowContext) (any, error) {
	var number int
	if err := ctx.GetInput(&number); err != nil {
		return nil, err
	}
	err := ctx.CallActivity(addOne, workflow.WithActivityInput(number)).Await(&number)
	return number * 2, err
}

func parent(ctx *workflow.WorkflowContext) (any, error) {
	var number int
	if err := ctx.GetInput(&number); err != nil {
		return nil, err
	}
	called := ctx.CallChildWorkflow(child, workflow.WithChildWorkflowInput(number), workflow.WithChildWorkflowInstanceID(ctx.ID()+"-child"))
	err := called.Await(&number)
	return number, err
}

func retries(ctx *workflow.WorkflowContext) (any, error) {
	policy := &workflow.RetryPolicy{MaxAttempts: 5, InitialRetryInterval: 50 * time.Millisecond}
	var said string
	err := ctx.CallActivity(flaky, workflow.WithActivityRetryPolicy(policy)).Await(&said)
	return said, err
}

func timer(ctx *workflow.WorkflowContext) (any, error) {
	before := ctx.CurrentTimeUTC()
	err := ctx.CreateTimer(short).Await(nil)
	return ctx.CurrentTimeUTC().Sub(before) >= short, err
}

func event(ctx *workflow.WorkflowContext) (any, error) {
	ctx.SetCustomStatus("waiting")
	var data any
	err := ctx.WaitForExternalEvent("go", -1).Await(&data)
	return data, err
}

func eventTimeout(ctx *workflow.WorkflowContext) (any, error) {
	err := ctx.WaitForExternalEvent("never", short).Await(nil)
	if errors.Is(err, task.ErrTaskCanceled) {
		return "timed out", nil
	}
	return "came", err
}

func counter(ctx *workflow.WorkflowContext) (any, error) {
	var number int
	if err := ctx.GetInput(&number); err != nil {
		return nil, err
	}
	if err := ctx.CallActivity(addOne, workflow.WithActivityInput(number)).Await(nil); err != nil {
		return nil, err
	}
	if number < 3 {
		ctx.ContinueAsNew(number + 1)
		return nil, nil
	}
	return number, nil
}

func failing(ctx *workflow.WorkflowContext) (any, error) {
	return nil, ctx.CallActivity(refuse).Await(nil)
}

func schedule(ctx context.Context, name string, options ...workflow.NewWorkflowOptions) string {
	instanceID, err := client.ScheduleWorkflow(ctx, name, options...)
	must(err)
	return instanceID
}

func endOf(ctx context.Context, instanceID string) *workflow.WorkflowMetadata {
	state, err := client.WaitForWorkflowCompletion(ctx, instanceID, workflow.WithFetchPayloads(true))
	must(err)
	return state
}

// What the workflow returns.
func ended(ctx context.Context, name string, input any) any {
	state := endOf(ctx, schedule(ctx, name, workflow.WithInput(input)))
	if state.RuntimeStatus != workflow.StatusCompleted {
		log.Fatalf("%s is %s: %v", name, state.String(), state.FailureDetails)
	}
	return json.RawMessage(state.Output.GetValue())
}

func statusOf(ctx context.Context, instanceID string) string {
	state, err := client.FetchWorkflowMetadata(ctx, instanceID)
	if errors.Is(err, api.ErrInstanceNotFound) {
		return "none"
	}
	must(err)
	return state.String()
}

func withEvent(ctx context.Context) any {
	instanceID := schedule(ctx, "event")
	must(client.RaiseEvent(ctx, instanceID, "GO", workflow.WithEventPayload(map[string]int{"n": 1})))
	return json.RawMessage(endOf(ctx, instanceID).Output.GetValue())
}

func customStatus(ctx context.Context) any {
	instanceID := schedule(ctx, "event")
	_, err := client.WaitForWorkflowStart(ctx, instanceID)
	must(err)
	state, err := client.FetchWorkflowMetadata(ctx, instanceID, workflow.WithFetchPayloads(true))
	must(err)
	must(client.RaiseEvent(ctx, instanceID, "go"))
	endOf(ctx, instanceID)
	return state.CustomStatus.GetValue() // as it was set: this SDK makes no JSON of it
}

func suspendResume(ctx context.Context) any {
	instanceID := schedule(ctx, "event")
	must(client.SuspendWorkflow(ctx, instanceID, "a look"))
	seen := []any{statusOf(ctx, instanceID)}
	must(client.RaiseEvent(ctx, instanceID, "go", workflow.WithEventPayload("late")))
	seen = append(seen, statusOf(ctx, instanceID))
	must(client.ResumeWorkflow(ctx, instanceID, "looked"))
	return append(seen, json.RawMessage(endOf(ctx, instanceID).Output.GetValue()))
}

func terminate(ctx context.Context) any {
	instanceID := schedule(ctx, "event")
	must(client.TerminateWorkflow(ctx, instanceID, workflow.WithOutput("stopped")))
	state := endOf(ctx, instanceID)
	return []any{state.String(), json.RawMessage(state.Output.GetValue())}
}

func purge(ctx context.Context) any {
	instanceID := schedule(ctx, "chaining", workflow.WithInput(1))
	endOf(ctx, instanceID)
	before := statusOf(ctx, instanceID)
	must(client.PurgeWorkflowState(ctx, instanceID))
	return []string{before, statusOf(ctx, instanceID)}
}

func failure(ctx context.Context) any {
	state := endOf(ctx, schedule(ctx, "failing"))
	return []any{state.String(), strings.Contains(state.FailureDetails.GetErrorMessage(), "it is refused")}
}

var scenarios = []struct {
	name string
	run  func(context.Context) any
}{
	{"chaining", func(ctx context.Context) any { return ended(ctx, "chaining", 1) }},
	{"fan_out", func(ctx context.Context) any { return ended(ctx, "fanOut", []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) }},
	{"child", func(ctx context.Context) any { return ended(ctx, "parent", 5) }},
	{"retries", func(ctx context.Context) any { return ended(ctx, "retries", nil) }},
	{"timer", func(ctx context.Context) any { return ended(ctx, "timer", nil) }},
	{"event", withEvent},
	{"event_timeout", func(ctx context.Context) any { return ended(ctx, "eventTimeout", nil) }},
	{"continue_as_new", func(ctx context.Context) any { return ended(ctx, "counter", 0) }},
	{"custom_status", customStatus},
	{"suspend_resume", suspendResume},
	{"terminate", terminate},
	{"purge", purge},
	{"failure", failure},
}

func registry() *workflow.Registry {
	registered := workflow.NewRegistry()
	for _, activity := range []workflow.Activity{addOne, square, flaky, refuse} {
		must(registered.AddActivity(activity))
	}
	for _, code := range []workflow.Workflow{
		chaining, fanOut, child, parent, retries, timer, event, eventTimeout, counter, failing,
	} {
		must(registered.AddWorkflow(code))
	}
	return registered
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	connection, err := grpc.NewClient("127.0.0.1:"+os.Getenv("DAPR_GRPC_PORT"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(err)
	defer connection.Close()
	client = workflow.NewClient(connection)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	must(client.StartWorker(ctx, registry()))
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		_, err := io.Copy(io.Discard, os.Stdin) // until whoever started it is gone
		must(err)
		return
	}
	for _, scenario := range scenarios {
		waited, gaveUp := context.WithTimeout(ctx, wait)
		line, err := json.Marshal(map[string]any{scenario.name: scenario.run(waited)})
		gaveUp()
		must(err)
		fmt.Println(string(line))
	}
}
