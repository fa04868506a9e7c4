package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Task is a piece of work that somebody asks for once, maybe several times
// over, and that is to be answered once: it begins, its answer is written
// down, the answer is sent, it is done. Who finds it begun and its time over
// goes on from there, so that nothing is lost whenever a worker is killed; and
// as the answer was written down before it was sent, one that is sent twice,
// because the worker was killed in between, is the same both times.
type Task struct {
	Scope string // whose it is, an owner or a sender: the same id of another is another task
	ID    string // chosen by who asks
	By    string // who works on it: the delivery that may take over its own earlier attempt
}

// TaskState is how far a task has come.
type TaskState string

// The states of a task, in order.
const (
	TaskBegun    TaskState = "begun"
	TaskAnswered TaskState = "answered" // written down, maybe sent
	TaskDone     TaskState = "done"     // sent
	TaskBusy     TaskState = "busy"     // never stored: somebody else is at it
)

// taskItem is what the table has of a task.
type taskItem struct {
	state  TaskState
	by     string
	answer string
	until  time.Time // nobody else takes it over before
	ends   time.Time // from then on it is forgotten
}

// key of a task. The id is hashed because it may be longer than a sort key.
func (t Task) key() (pk, sk string, err error) {
	const most = 1024
	if t.Scope == "" || len(t.Scope) > most || t.ID == "" || t.By == "" {
		return "", "", fmt.Errorf("%w: a task needs a scope of 1 to %d bytes, an id and a worker", ErrInvalid, most)
	}
	sum := sha256.Sum256([]byte(t.ID))
	return t.Scope, "TASK#" + hex.EncodeToString(sum[:]), nil
}

// OwnerScope is the scope of an owner's tasks: the owner's partition.
func OwnerScope(owner string) (string, error) { return ownerKey(owner) }

// BeginTask takes a task on until the given time, and remembers it for keep. It
// returns TaskBegun when the caller is to work on it, TaskAnswered with the
// answer when the caller is to send that, TaskDone when there is nothing left
// to do, and TaskBusy when the caller is to come back later.
func (s *Store) BeginTask(ctx context.Context, t Task, until time.Time, keep time.Duration) (state TaskState, answer string, err error) {
	pk, sk, err := t.key()
	if err != nil {
		return "", "", err
	}
	now := s.now()
	// A task that may be taken over keeps its state and its answer.
	out, err := s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: key(pk, sk), ReturnValues: types.ReturnValueAllNew,
		UpdateExpression:    aws.String("SET #state = if_not_exists(#state, :begun), #by = :by, #until = :until, #ends = if_not_exists(#ends, :ends)"),
		ConditionExpression: aws.String("attribute_not_exists(pk) OR (#ends > :now AND #state <> :done AND (#by = :by OR #until <= :nowms))"),
		ExpressionAttributeNames: map[string]string{
			"#state": "task_state", "#by": "task_by", "#until": "task_until", "#ends": "expires_at",
		},
		ExpressionAttributeValues: item{
			":begun": str(string(TaskBegun)), ":done": str(string(TaskDone)), ":by": str(t.By), ":until": num(until.UnixMilli()),
			":ends": num(now.Add(keep).Unix()), ":now": num(now.Unix()), ":nowms": num(now.UnixMilli()),
		},
	})
	if written, err := wrote(err); err != nil {
		return "", "", fmt.Errorf("begin task: %w", err)
	} else if written {
		got := readTask(out.Attributes)
		return got.state, got.answer, nil
	}
	state, err = s.notBegun(ctx, t, pk, sk, until, keep)
	return state, "", err
}

// notBegun finds out why a task could not be taken on; one that has expired and
// is still there is taken on as new.
func (s *Store) notBegun(ctx context.Context, t Task, pk, sk string, until time.Time, keep time.Duration) (TaskState, error) {
	it, err := s.get(ctx, pk, sk)
	if err != nil {
		return "", fmt.Errorf("read task: %w", err)
	}
	got, now := readTask(it), s.now()
	switch {
	case it == nil: // deleted between the two calls, for it had expired
		return TaskBusy, nil
	case got.ends.After(now) && got.state == TaskDone:
		return TaskDone, nil
	case got.ends.After(now):
		return TaskBusy, nil
	}
	fresh := key(pk, sk)
	fresh["task_state"], fresh["task_by"], fresh["task_until"] = str(string(TaskBegun)), str(t.By), num(until.UnixMilli())
	fresh["expires_at"] = num(now.Add(keep).Unix())
	_, err = s.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: s.table, Item: fresh, ConditionExpression: aws.String("#ends = :ends"),
		ExpressionAttributeNames:  map[string]string{"#ends": "expires_at"},
		ExpressionAttributeValues: item{":ends": it["expires_at"]},
	})
	written, err := wrote(err)
	switch {
	case err != nil:
		return "", fmt.Errorf("begin task anew: %w", err)
	case !written:
		return TaskBusy, nil
	}
	return TaskBegun, nil
}

// AnswerTask writes the answer down. It returns false when somebody else has
// taken the task over, and then nothing must be sent.
func (s *Store) AnswerTask(ctx context.Context, t Task, answer string) (bool, error) {
	return s.advance(ctx, t, TaskAnswered, "SET #state = :state, task_answer = :answer", item{":answer": str(answer)})
}

// FinishTask says that the answer was sent. It returns false when somebody else
// has taken the task over.
func (s *Store) FinishTask(ctx context.Context, t Task) (bool, error) {
	return s.advance(ctx, t, TaskDone, "SET #state = :state", item{})
}

func (s *Store) advance(ctx context.Context, t Task, to TaskState, update string, values item) (bool, error) {
	pk, sk, err := t.key()
	if err != nil {
		return false, err
	}
	values[":state"], values[":by"], values[":done"] = str(string(to)), str(t.By), str(string(TaskDone))
	_, err = s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: key(pk, sk), UpdateExpression: aws.String(update),
		ConditionExpression:       aws.String("#by = :by AND #state <> :done"),
		ExpressionAttributeNames:  map[string]string{"#state": "task_state", "#by": "task_by"},
		ExpressionAttributeValues: values,
	})
	written, err := wrote(err)
	if err != nil {
		return false, fmt.Errorf("task %s: %w", to, err)
	}
	return written, nil
}

// TaskBegunBy tells that a worker was at a task and did not get to its answer.
func (s *Store) TaskBegunBy(ctx context.Context, t Task) (bool, error) {
	pk, sk, err := t.key()
	if err != nil {
		return false, err
	}
	it, err := s.get(ctx, pk, sk)
	if err != nil {
		return false, fmt.Errorf("read task: %w", err)
	}
	got := readTask(it)
	return got.state == TaskBegun && got.by == t.By, nil
}

func readTask(it item) taskItem {
	number := func(name string) int64 {
		n, _ := it[name].(*types.AttributeValueMemberN)
		if n == nil {
			return 0
		}
		v, _ := strconv.ParseInt(n.Value, 10, 64) // only this file writes it
		return v
	}
	return taskItem{
		state: TaskState(text(it, "task_state")), by: text(it, "task_by"), answer: text(it, "task_answer"),
		until: time.UnixMilli(number("task_until")), ends: time.Unix(number("expires_at"), 0),
	}
}
