package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/store"
)

// clocked is a store whose clock the test moves.
func clocked(t *testing.T) (s *store.Store, move func(time.Duration)) {
	t.Helper()
	at := far.Add(-time.Hour) // where the sweeper, who has the real time, deletes nothing
	s = store.New(store.Config{API: api(t), Table: "porchlight", Now: func() time.Time { return at }})
	return s, func(d time.Duration) { at = at.Add(d) }
}

func TestTaskIsAnsweredOnce(t *testing.T) {
	s, move := clocked(t)
	clock := far.Add(-time.Hour)
	forward := func(d time.Duration) { clock = clock.Add(d); move(d) }
	one := store.Task{Scope: "OWNER#alice", ID: "request 1", By: "first"}
	two := one
	two.By = "second"
	begin := func(task store.Task) (store.TaskState, string) {
		t.Helper()
		state, answer, err := s.BeginTask(t.Context(), task, clock.Add(30*time.Second), 10*time.Minute)
		require.NoError(t, err)
		return state, answer
	}
	is := func(task store.Task, want store.TaskState, answer string) {
		t.Helper()
		state, got := begin(task)
		require.Equal(t, want, state)
		require.Equal(t, answer, got)
	}
	died := func(task store.Task) bool {
		begun, err := s.TaskBegunBy(t.Context(), task)
		require.NoError(t, err)
		return begun
	}
	require.False(t, died(one))
	is(one, store.TaskBegun, "")
	require.True(t, died(one))
	require.False(t, died(two))
	is(two, store.TaskBusy, "")
	is(one, store.TaskBegun, "") // the same delivery again: its first worker is dead
	forward(31 * time.Second)
	is(two, store.TaskBegun, "")

	ok, err := s.AnswerTask(t.Context(), one, "Ann")
	require.NoError(t, err)
	require.False(t, ok, "it was taken over")
	ok, err = s.AnswerTask(t.Context(), two, "Ann")
	require.NoError(t, err)
	require.True(t, ok)
	require.False(t, died(two), "it got to the answer")
	is(one, store.TaskBusy, "")
	forward(31 * time.Second)
	is(one, store.TaskAnswered, "Ann")
	ok, err = s.FinishTask(t.Context(), two)
	require.NoError(t, err)
	require.False(t, ok)
	ok, err = s.FinishTask(t.Context(), one)
	require.NoError(t, err)
	require.True(t, ok)
	is(one, store.TaskDone, "")
	is(two, store.TaskDone, "")
	ok, err = s.AnswerTask(t.Context(), one, "Ben")
	require.NoError(t, err)
	require.False(t, ok)
	other := store.Task{Scope: "OWNER#bob", ID: one.ID, By: "second"}
	is(other, store.TaskBegun, "")

	forward(11 * time.Minute) // forgotten, though it is still in the table
	is(two, store.TaskBegun, "")
	is(one, store.TaskBusy, "")
}

func TestOneOfManyBegins(t *testing.T) {
	s, _ := clocked(t)
	states := make(chan store.TaskState)
	for _, by := range strings.Split("abcdefgh", "") {
		go func() {
			state, _, err := s.BeginTask(context.Background(), store.Task{Scope: "OWNER#a", ID: "1", By: by}, far, time.Minute)
			if err != nil {
				state = store.TaskState(err.Error())
			}
			states <- state
		}()
	}
	count := map[store.TaskState]int{}
	for range 8 {
		count[<-states]++
	}
	require.Equal(t, map[store.TaskState]int{store.TaskBegun: 1, store.TaskBusy: 7}, count)
}

func TestTasksNeedWhatTheyAreKnownBy(t *testing.T) {
	s, _ := clocked(t)
	for _, task := range []store.Task{{ID: "1", By: "a"}, {Scope: "OWNER#a", By: "a"}, {Scope: "OWNER#a", ID: "1"}, {Scope: strings.Repeat("x", 1025), ID: "1", By: "a"}} {
		_, _, err := s.BeginTask(t.Context(), task, far, time.Minute)
		require.ErrorIs(t, err, store.ErrInvalid)
		_, err = s.FinishTask(t.Context(), task)
		require.ErrorIs(t, err, store.ErrInvalid)
		_, err = s.TaskBegunBy(t.Context(), task)
		require.ErrorIs(t, err, store.ErrInvalid)
	}
}
