package facematch_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/facematch"
	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
)

func TestAnswers(t *testing.T) {
	h := newHome(t)
	require.Empty(t, h.handle(t.Context(),
		message("m1", device(1), ask("1", "friend of alice"), 1),
		message("m2", device(1), ask("2", "stranger"), 1),
		message("m3", device(1), ask("3", "wall"), 1),
		message("m4", device(1), ask("4", "noise"), 1),
		message("m5", device(1), `{"request_id":"5","face_image":"not base64"}`, 1),
		message("m6", device(1), `{"request_id":"6"}`, 1),
	))
	require.Equal(t, []string{
		`{"request_id": "1", "result": "friend of alice"}`,
		`{"request_id": "2", "result": "Unknown"}`,
		`{"request_id": "3", "result": "No-Face"}`,
		`{"request_id": "4", "result": "Invalid-Image"}`,
		`{"request_id": "5", "result": "Invalid-Image"}`,
		`{"request_id": "6", "result": "Invalid-Image"}`,
	}, h.answers())
	require.Contains(t, h.log.String(), `"requests":6,"ms":`)
	require.Contains(t, h.log.String(), `"named":1,"unknown":1,"no_face":1,"invalid_image":3}`)
	require.NotContains(t, h.log.String(), "friend", "names stay out of the log")
}

// Nobody is compared with another owner's persons, whatever they send.
func TestOwnersAreApart(t *testing.T) {
	h := newHome(t)
	asked := 0
	result := func(sender, picture string) string {
		asked++
		id := fmt.Sprint("r", asked)
		require.Empty(t, h.handle(t.Context(), message(id, sender, ask(id, picture), 1)))
		sent := h.answers()
		require.Len(t, sent, 1)
		r, err := event.ParseFaceResponse([]byte(sent[0]))
		require.NoError(t, err)
		require.Equal(t, id, r.RequestID)
		return r.Result
	}
	for _, defaultOwner := range []string{"", "bob"} {
		h.cfg.DefaultOwner = defaultOwner
		require.Equal(t, "friend of alice", result(device(1), "friend of alice"))
		require.Equal(t, "Unknown", result(device(1), "friend of bob"))
		require.Equal(t, "friend of bob", result(device(2), "friend of bob"))
		require.Equal(t, "Unknown", result(device(2), "friend of alice"))
		require.Equal(t, "Unauthorized", result(device(3), "friend of bob"), "nobody's thing")
		for _, sender := range []string{
			device(9), deviceRole, deviceRole + ":", "AIDAUSER", "000000000000", "",
			"AROAOTHER:" + certificate(1), // a session of another role, named like alice's device
		} {
			want := "Unauthorized"
			if defaultOwner != "" {
				want = "friend of bob"
			}
			require.Equal(t, want, result(sender, "friend of bob"), sender)
			require.NotContains(t, result(sender, "friend of alice"), "friend", sender)
		}
	}
	// The same id of two owners, or of two senders without one, is two requests.
	h.cfg.DefaultOwner = ""
	for i, sender := range []string{device(1), device(2), "AIDAONE", "AIDATWO"} {
		require.Empty(t, h.handle(t.Context(), message(fmt.Sprint("x", i), sender, ask("same", "wall"), 1)))
	}
	require.Len(t, h.answers(), 4)
}

func TestTheSameRequestIsAnsweredOnce(t *testing.T) {
	h := newHome(t)
	body := ask("1", "friend of alice")
	require.Empty(t, h.handle(t.Context(), message("m1", device(1), body, 1), message("m2", device(1), body, 1)))
	require.Empty(t, h.handle(t.Context(), message("m1", device(1), body, 2)))
	require.Empty(t, h.handle(t.Context(), message("m3", device(1), ask("1", "stranger"), 1)))
	require.Equal(t, []string{`{"request_id": "1", "result": "friend of alice"}`}, h.answers())
	require.Len(t, h.seen, 1)
	require.Contains(t, h.log.String(), `"named":1,"repeated":1}`)
}

// What nobody can be answered for goes back, and keeps nothing else from its answer.
func TestPoisonGoesBackAlone(t *testing.T) {
	h := newHome(t)
	bad := []string{"", "{", "null", `{"face_image":"AA=="}`, `{"request_id":"","face":"AA=="}`, `{"request_id":7,"face":"AA=="}`, strings.Repeat("x", event.MaxFaceMessage+1)}
	var records []events.SQSMessage
	var want []string
	for i, body := range bad {
		records = append(records, message(fmt.Sprint("bad", i), device(1), body, 1), message(fmt.Sprint("good", i), device(1), ask(fmt.Sprint(i), "friend of alice"), 1))
		want = append(want, fmt.Sprint("bad", i))
	}
	require.Equal(t, want, h.handle(t.Context(), records...))
	require.Len(t, h.answers(), len(bad))
	require.Contains(t, h.log.String(), fmt.Sprintf(`"named":%d,"refused":%d}`, len(bad), len(bad)))
	require.Contains(t, h.log.String(), `"refused":true`)
}

func TestWhatMayPassIsTriedAgain(t *testing.T) {
	h := newHome(t)
	require.Equal(t, []string{"m1"}, h.handle(t.Context(),
		message("m1", device(1), ask("1", "broken net"), 1), message("m2", device(1), ask("2", "wall"), 1)))
	require.Equal(t, []string{`{"request_id": "2", "result": "No-Face"}`}, h.answers())

	working := h.cfg.Respond
	h.cfg.Respond = func(context.Context, string) error { return errors.New("queue is away") }
	require.Equal(t, []string{"m3"}, h.handle(t.Context(), message("m3", device(1), ask("3", "friend of alice"), 1)))
	h.cfg.Respond = working
	require.NoError(t, h.galleries.Remove(t.Context(), "alice", "friend of alice"))
	require.Empty(t, h.handle(t.Context(), message("m3", device(1), ask("3", "friend of alice"), 2)))
	require.Equal(t, []string{`{"request_id": "3", "result": "friend of alice"}`}, h.answers(), "the answer had been given")
	require.Empty(t, h.handle(t.Context(), message("m4", device(1), ask("4", "friend of alice"), 1)))
	require.Equal(t, []string{`{"request_id": "4", "result": "Unknown"}`}, h.answers())
}

func TestNothingIsBegunInTheLastMoments(t *testing.T) {
	h := newHome(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	require.Equal(t, []string{"m1"}, h.handle(ctx, message("m1", device(1), ask("1", "wall"), 1)))
	require.Empty(t, h.answers())
	require.Empty(t, h.handle(t.Context(), message("m1", device(1), ask("1", "wall"), 2)))
	require.Len(t, h.answers(), 1)
}

// mortal dies at its n-th step, before or after taking it: nothing it does from
// then on has any effect.
type mortal struct {
	facematch.Table
	respond func(context.Context, string) error
	left    int
	after   bool
	steps   []string
}

var errDead = errors.New("the process is dead")

func (m *mortal) step(name string, do func() error) error {
	m.left--
	m.steps = append(m.steps, name)
	switch {
	case m.left < 0:
		return errDead
	case m.left == 0 && !m.after:
		return errDead
	}
	err := do()
	if m.left == 0 {
		return errDead
	}
	return err
}

func (m *mortal) BeginTask(ctx context.Context, t store.Task, until time.Time, keep time.Duration) (state store.TaskState, answer string, err error) {
	err = m.step("begin", func() (err error) { state, answer, err = m.Table.BeginTask(ctx, t, until, keep); return err })
	return state, answer, err
}

func (m *mortal) AnswerTask(ctx context.Context, t store.Task, answer string) (ours bool, err error) {
	err = m.step("answer", func() (err error) { ours, err = m.Table.AnswerTask(ctx, t, answer); return err })
	return ours, err
}

func (m *mortal) FinishTask(ctx context.Context, t store.Task) (ours bool, err error) {
	err = m.step("finish", func() (err error) { ours, err = m.Table.FinishTask(ctx, t); return err })
	return ours, err
}

func (m *mortal) Respond(ctx context.Context, body string) error {
	return m.step("respond", func() error { return m.respond(ctx, body) })
}

// Wherever a process dies, every request is answered once; only between sending
// and writing that down it is the same answer twice.
func TestDeathAtEveryStep(t *testing.T) {
	h := newHome(t)
	var names []string
	for n := 1; n <= 12; n++ {
		for _, after := range []bool{false, true} {
			batch := func(received int) (records []events.SQSMessage) {
				for i, picture := range []string{"friend of alice", "stranger", "wall"} {
					id := fmt.Sprint(n, after, i)
					records = append(records, message(id, device(1), ask(id, picture), received))
				}
				return records
			}
			m := &mortal{Table: h.cfg.Table, respond: h.respond, left: n, after: after}
			cfg := h.cfg
			cfg.Table, cfg.Respond = m, m.Respond
			_, err := facematch.New(cfg).Handle(t.Context(), events.SQSEvent{Records: batch(1)})
			require.NoError(t, err)
			last := m.steps[n-1]
			names = append(names, last)
			require.Empty(t, h.handle(t.Context(), batch(2)...))
			require.Empty(t, h.handle(t.Context(), batch(3)...), "and a third delivery changes nothing")
			count := map[string]int{}
			for _, body := range h.answers() {
				count[body]++
			}
			require.Len(t, count, 3, "one and the same answer to each")
			twice := 0
			for _, times := range count {
				twice += times - 1
			}
			sentNotFinished := last == "respond" && after || last == "finish" && !after
			require.Equal(t, sentNotFinished, twice == 1, "%s, after %v: %v", last, after, count)
			require.LessOrEqual(t, twice, 1)
		}
	}
	for _, step := range []string{"begin", "answer", "respond", "finish"} {
		require.Contains(t, names, step)
	}
}

// A picture that kills the process is tried last, so that it keeps none of the
// others from their answers.
func TestWhatKilledTheProcessComesLast(t *testing.T) {
	h := newHome(t)
	batch := func(received int) []events.SQSMessage {
		return []events.SQSMessage{
			message("m1", device(1), ask("1", "killer"), received), message("m2", device(1), ask("2", "wall"), received),
		}
	}
	m := &mortal{Table: h.cfg.Table, respond: h.respond, left: 1, after: true}
	cfg := h.cfg
	cfg.Table, cfg.Respond = m, m.Respond
	_, err := facematch.New(cfg).Handle(t.Context(), events.SQSEvent{Records: batch(1)})
	require.NoError(t, err)
	h.seen = nil
	require.Empty(t, h.handle(t.Context(), batch(2)...))
	require.Equal(t, []string{"wall", "killer"}, h.seen)
}
