//go:build cgo && linux

package faces_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/store"
)

// processes returns those of the faces Lambda.
func (w *world) processes() (pids []int) {
	w.t.Helper()
	entries, err := filepath.Glob("/proc/[0-9]*/exe")
	require.NoError(w.t, err)
	for _, link := range entries {
		if target, err := os.Readlink(link); err == nil && target == w.bootstrap("faces") {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link)))
			require.NoError(w.t, err)
			pids = append(pids, pid)
		}
	}
	return pids
}

func signal(pids []int, s syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, s) // it may have ended
	}
}

// tasks counts an owner's requests by how far they are.
func (w *world) tasks(owner string) map[store.TaskState]int {
	w.t.Helper()
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	out, err := w.db().Query(w.t.Context(), &dynamodb.QueryInput{
		TableName: &w.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :task)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text("OWNER#" + owner), ":task": text("TASK#")},
	})
	require.NoError(w.t, err)
	count := map[store.TaskState]int{}
	for _, it := range out.Items {
		state, _ := it["task_state"].(*types.AttributeValueMemberS)
		require.NotNil(w.t, state)
		count[store.TaskState(state.Value)]++
	}
	return count
}

// killAt kills all processes of the Lambda while requests are being worked on
// and the wanted thing is true of them. It stops the processes to look, so
// that what it sees is so when they die.
func (w *world) killAt(owner, what string, wanted func(map[store.TaskState]int) bool) {
	w.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		pids := w.processes()
		if len(pids) == 0 {
			continue
		}
		signal(pids, syscall.SIGSTOP)
		if count := w.tasks(owner); wanted(count) {
			signal(pids, syscall.SIGKILL)
			w.t.Logf("killed %d processes %s: %v", len(pids), what, count)
			return
		}
		signal(pids, syscall.SIGCONT)
	}
	w.t.Fatal("never seen: ", what)
}

// Every request has its answer, and one, however often the Lambda is killed in
// the middle of batches. The only moment that can double an answer is between
// its being sent and that being written down; killed there, the Lambda gives the same
// answer again.
func TestKilledLambdasLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	w, cut := newWorld(t, times{hidden: 6, timeout: 6, receives: 1000}), newCutter(t)
	device := w.device("porch", "sub")
	for name, file := range map[string]string{"Joe": "biden/biden.jpg", "Barack": "obama/obama.jpg"} {
		w.enroll("sub", name, people(t, file))
	}
	type kind struct{ path, result string }
	kinds := []kind{
		{cut.crops(people(t, "biden/biden2.jpg"), 240, 75)[0], "Joe"}, {cut.crops(people(t, "obama/obama2.jpg"), 240, 75)[0], "Barack"},
		{cut.crops(people(t, "kit_harington/john1.jpeg"), 240, 75)[0], "Unknown"}, {cut.wall(), "No-Face"},
	}
	const requests = 40
	var inputs []map[string]string
	want := map[string]int{} // by body: how often it came
	for i := range requests {
		k := kinds[i%len(kinds)]
		inputs = append(inputs, map[string]string{"id": fmt.Sprint("kill-", i), "filename": "a.jpg", "key": "face_image", "path": k.path},
			map[string]string{"id": fmt.Sprint("kill-", i), "result": k.result})
	}
	lines := python(t, inputs...)
	var bodies []string
	for i := 0; i < len(lines); i += 2 {
		bodies = append(bodies, lines[i])
		want[lines[i+1]] = 0
	}
	w.sendAll(device, bodies)
	over := func(count map[store.TaskState]int) bool { return count[store.TaskDone] == requests } // it was too quick for us
	for n := range 2 {
		// No process is between sending an answer and writing that down: an
		// answer in the table that is not done would be of one that is.
		done := w.tasks("sub")[store.TaskDone]
		w.killAt("sub", "in the middle of batches", func(count map[store.TaskState]int) bool {
			return count[store.TaskBegun] > 0 && count[store.TaskAnswered] == 0 && count[store.TaskDone] >= done+n || over(count)
		})
	}
	w.killAt("sub", "at the moment of sending", func(count map[store.TaskState]int) bool { return count[store.TaskAnswered] > 0 || over(count) })
	atSending := w.tasks("sub")[store.TaskAnswered]
	require.Eventually(t, func() bool {
		for _, body := range w.receive(w.reply, 0) {
			require.Contains(t, want, body)
			want[body]++
		}
		return w.waiting(w.request) == 0 && w.waiting(w.reply) == 0
	}, patience, 50*time.Millisecond)
	twice := 0
	for body, n := range want {
		require.Positive(t, n, body)
		twice += n - 1
	}
	timedOut := strings.Count(w.log.String(), "Sandbox.Timedout") // on a machine that is busy for seconds
	require.LessOrEqual(t, twice, atSending+timedOut)
	require.Equal(t, map[store.TaskState]int{store.TaskDone: requests}, w.tasks("sub"))
	t.Logf("%d requests, each answered; %d answers came twice, the same both times, of %d that were being sent when a process was killed", requests, twice, atSending)
}
