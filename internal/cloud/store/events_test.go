package store_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
	"porchlight/internal/localcloud/dynamo/dynamotest"
)

func TestEventComesBackWhole(t *testing.T) {
	s := fresh(t)
	for _, e := range []*event.Event{
		happening("porch.front", t0, 3, event.Ended, "person", "dog.v2", "#odd name"),
		with(happening("porch.front", t0, 1, event.Started, "person"), event.Alert),
		{ // all that may be missing is
			EventID: event.NewID(t0), Sequence: 1, State: event.Started, Camera: "porch.front",
			StartedAt: event.At(t0), UpdatedAt: event.At(t0),
		},
	} {
		upsert(t, s, "alice", e)
		got, err := s.Event(t.Context(), "alice", e.EventID)
		require.NoError(t, err)
		require.Equal(t, e, got)
	}
}

func TestRefusedArguments(t *testing.T) {
	s := over(nil) // must not be reached
	good := happening("porch.front", t0, 1, event.Started)
	nan := happening("porch.front", t0, 1, event.Started)
	nan.Box.X0 = math.NaN()
	for name, err := range map[string]error{
		"no owner":        second(s.UpsertEvent(t.Context(), "", good, far)),
		"not a number":    second(s.UpsertEvent(t.Context(), "alice", nan, far)),
		"no limit":        second(s.Events(t.Context(), "alice", store.Query{})),
		"limit too high":  second(s.Events(t.Context(), "alice", store.Query{Limit: store.MaxLimit + 1})),
		"foreign camera":  second(s.Events(t.Context(), "alice", store.Query{Limit: 1, Camera: "x#porch.front"})),
		"after no id":     second(s.Events(t.Context(), "alice", store.Query{Limit: 1, After: "z"})),
		"after elsewhere": second(s.Events(t.Context(), "alice", store.Query{Limit: 1, From: t0, After: event.NewID(t0.Add(-time.Hour))})),
		"thing":           s.Claim(t.Context(), "a/b", "alice"),
		"owner":           s.Claim(t.Context(), "porch", ""),
		"camera":          second(s.HasCamera(t.Context(), "alice", "x")),
	} {
		require.ErrorIs(t, err, store.ErrInvalid, name)
	}
	_, err := s.UpsertEvent(t.Context(), "alice", &event.Event{}, far)
	require.ErrorIs(t, err, event.ErrInvalid)
	_, err = s.Event(t.Context(), "alice", "../other")
	require.ErrorIs(t, err, store.ErrNotFound)
}

func second[T any](_ T, err error) error { return err }

func TestEventNeverGoesBackwards(t *testing.T) {
	s := fresh(t)
	id := event.NewID(t0)
	deliver := func(sequence int, state event.State, camera string) bool {
		e := happening(camera, t0, sequence, state)
		e.EventID = id
		written, err := s.UpsertEvent(t.Context(), "alice", e, far)
		require.NoError(t, err)
		return written
	}
	require.True(t, deliver(3, event.Ended, "porch.front"))
	require.False(t, deliver(3, event.Ended, "porch.front"), "a repetition")
	require.False(t, deliver(2, event.Updated, "porch.front"), "an older state")
	require.False(t, deliver(9, event.Updated, "shed.back"), "another camera with the event's id")
	got, err := s.Event(t.Context(), "alice", id)
	require.NoError(t, err)
	require.Equal(t, event.Ended, got.State)
	require.Equal(t, "porch.front", got.Camera)
}

func TestAnyDeliveryEndsInTheHighestSequence(t *testing.T) {
	s := fresh(t)
	rapid.Check(t, func(t *rapid.T) {
		id, last := event.NewID(t0), rapid.IntRange(1, 5).Draw(t, "last")
		var deliveries []int
		for sequence := 1; sequence <= last; sequence++ {
			for range rapid.IntRange(1, 3).Draw(t, "copies") {
				deliveries = append(deliveries, sequence)
			}
		}
		severities := rapid.SliceOfN(rapid.SampledFrom([]event.Severity{"", event.Notice, event.Alert}), last+1, last+1).Draw(t, "severities")
		highest, alert := 0, false
		for _, sequence := range rapid.Permutation(deliveries).Draw(t, "order") {
			state := event.Updated
			if sequence == last {
				state = event.Ended
			}
			e := with(happening("porch.front", t0, sequence, state), severities[sequence])
			e.EventID = id
			alert = alert || e.Severity == event.Alert
			written, err := s.UpsertEvent(context.Background(), "alice", e, far)
			if err != nil {
				t.Fatal(err)
			}
			if !written && sequence > highest {
				t.Fatalf("sequence %d after %d: not written", sequence, highest)
			}
			highest = max(highest, sequence)
			got, err := s.Event(context.Background(), "alice", id)
			if err != nil || got.Sequence != highest || !got.UpdatedAt.Equal(e.StartedAt.Add(time.Duration(highest)*time.Second)) {
				t.Fatalf("stored %+v, %v, want sequence %d", got, err, highest)
			}
			if want := severityOf(severities[highest], alert); got.Severity != want {
				t.Fatalf("stored severity %q, want %q", got.Severity, want)
			}
		}
	})
}

func severityOf(latest event.Severity, alert bool) event.Severity {
	if alert {
		return event.Alert
	}
	return latest
}

func TestSeverityNeverFalls(t *testing.T) {
	s := fresh(t)
	deliver := func(id string, sequence int, severity event.Severity, camera string) bool {
		e := with(happening(camera, t0, sequence, event.Updated), severity)
		e.EventID = id
		written, err := s.UpsertEvent(t.Context(), "alice", e, far)
		require.NoError(t, err)
		return written
	}
	check := func(id string, sequence int, want event.Severity) {
		t.Helper()
		got, err := s.Event(t.Context(), "alice", id)
		require.NoError(t, err)
		require.Equal(t, want, got.Severity)
		require.Equal(t, sequence, got.Sequence)
	}
	id := event.NewID(t0)
	require.True(t, deliver(id, 1, event.Notice, "porch.front"))
	require.True(t, deliver(id, 2, event.Alert, "porch.front"))
	require.False(t, deliver(id, 2, event.Alert, "porch.front"), "a repetition")
	require.True(t, deliver(id, 3, event.Notice, "porch.front"))
	check(id, 3, event.Alert)
	require.False(t, deliver(id, 3, event.Notice, "porch.front"), "a repetition")
	require.True(t, deliver(id, 4, "", "porch.front"))
	check(id, 4, event.Alert)

	late := event.NewID(t0)
	require.True(t, deliver(late, 5, "", "porch.front"))
	require.False(t, deliver(late, 1, event.Alert, "shed.back"), "another camera with the event's id")
	check(late, 5, "")
	require.True(t, deliver(late, 2, event.Alert, "porch.front"), "an alert that was overtaken")
	check(late, 5, event.Alert)
	require.False(t, deliver(late, 2, event.Alert, "porch.front"), "a repetition")
	require.False(t, deliver(late, 6, event.Notice, "shed.back"), "another camera with the event's id")
	check(late, 5, event.Alert)
}

func TestExpiredEventsAreHidden(t *testing.T) {
	// Long on for the store, so that the sweeper, which goes by the
	// real time, deletes neither.
	s := store.New(store.Config{API: api(t), Table: dynamotest.Table().TableName, Now: func() time.Time { return far }})
	gone, kept := happening("porch.front", t0, 1, event.Started), happening("porch.front", t0, 1, event.Started)
	_, err := s.UpsertEvent(t.Context(), "alice", gone, far)
	require.NoError(t, err)
	_, err = s.UpsertEvent(t.Context(), "alice", kept, far.Add(time.Second))
	require.NoError(t, err)
	_, err = s.Event(t.Context(), "alice", gone.EventID)
	require.ErrorIs(t, err, store.ErrNotFound)
	for _, camera := range []string{"", "porch.front"} {
		page, err := s.Events(t.Context(), "alice", store.Query{Camera: camera, Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []string{kept.EventID}, ids(page.Events))
	}
}

func ids(events []*store.Labeled) (out []string) {
	for _, e := range events {
		out = append(out, e.EventID)
	}
	return out
}

func TestPagesHoldEveryMatchOnceNewestFirst(t *testing.T) {
	s := fresh(t)
	cameras, labels := []string{"porch.front", "porch.back", "shed.door"}, []string{"person", "cat", "car"}
	severities := []event.Severity{event.Alert, event.Notice, ""}
	var all []*event.Event
	for i := range 250 {
		at := t0.Add(time.Duration(i) * 1500 * time.Millisecond)
		e := with(happening(cameras[i%3], at, 1, event.Started, labels[i%7%3]), severities[i%4%3])
		upsert(t, s, "alice", e)
		all = append([]*event.Event{e}, all...)
		if i%5 == 0 { // another owner's, in the same seconds
			upsert(t, s, "bob", happening(cameras[i%3], at, 1, event.Started, "person"))
		}
	}
	// Exactly on an event's time, to tell < from <=.
	from, to := t0.Add(60*time.Second), t0.Add(240*time.Second)
	for name, q := range map[string]store.Query{
		"all":               {Limit: 100},
		"one by one":        {Limit: 1, From: to},
		"exact multiple":    {Limit: 50},
		"camera":            {Limit: 7, Camera: "porch.back"},
		"label":             {Limit: 9, Label: "cat"},
		"time":              {Limit: 11, From: from, To: to},
		"between the ticks": {Limit: 11, From: from.Add(time.Microsecond), To: to.Add(time.Microsecond)},
		"severity":          {Limit: 9, Severity: event.Alert},
		"label, severity":   {Limit: 9, Label: "car", Severity: event.Notice},
		"everything":        {Limit: 3, Camera: "shed.door", Label: "person", Severity: event.Alert, From: from, To: to},
		"unknown camera":    {Limit: 5, Camera: "porch.none"},
		"unknown label":     {Limit: 5, Label: "unicorn"},
		"empty time":        {Limit: 5, From: to, To: from},
		"before the epoch":  {Limit: 5, To: time.Unix(-5, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			var want []string
			for _, e := range all {
				_, hasLabel := e.Labels[q.Label]
				if (q.Camera == "" || e.Camera == q.Camera) && (q.Label == "" || hasLabel) &&
					(q.Severity == "" || e.Severity == q.Severity) &&
					(q.From.IsZero() || !e.StartedAt.Before(q.From)) && (q.To.IsZero() || e.StartedAt.Before(q.To)) {
					want = append(want, e.EventID)
				}
			}
			var got []string
			for {
				page, err := s.Events(t.Context(), "alice", q)
				require.NoError(t, err)
				got = append(got, ids(page.Events)...)
				require.LessOrEqual(t, len(page.Events), q.Limit)
				if page.Next == "" {
					break
				}
				require.Len(t, page.Events, q.Limit, "250 items are within one page's reads")
				require.Equal(t, got[len(got)-1], page.Next)
				q.After = page.Next
			}
			require.Equal(t, want, got)
		})
	}
}

// counted counts the queries that reach the table.
type counted struct {
	store.API
	queries int
}

func (c *counted) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	c.queries++
	one := int32(1) // as if each item were a megabyte
	in.Limit = &one
	return c.API.Query(ctx, in, o...)
}

func TestRareMatchesCostBoundedReads(t *testing.T) {
	a := &counted{API: api(t)}
	s := over(a)
	rare := happening("porch.front", t0, 1, event.Started, "unicorn")
	upsert(t, s, "alice", rare)
	for i := range 20 {
		upsert(t, s, "alice", happening("porch.front", t0.Add(time.Duration(i+1)*time.Second), 1, event.Started, "person"))
	}
	for _, camera := range []string{"", "porch.front"} {
		q, pages := store.Query{Camera: camera, Label: "unicorn", Limit: 5}, [][]string{}
		for {
			a.queries = 0
			page, err := s.Events(t.Context(), "alice", q)
			require.NoError(t, err)
			require.LessOrEqual(t, a.queries, 8)
			pages = append(pages, ids(page.Events))
			if q.After = page.Next; q.After == "" {
				break
			}
		}
		require.Equal(t, [][]string{nil, nil, {rare.EventID}}, pages)
	}
}

func TestOwnersAreApart(t *testing.T) {
	s := fresh(t)
	// The same thing and even the same id: nothing is shared but the letters.
	mine := happening("porch.front", t0, 5, event.Ended, "person")
	theirs := happening("porch.front", t0, 1, event.Started, "cat")
	theirs.EventID = mine.EventID
	upsert(t, s, "alice", mine)
	upsert(t, s, "bob", theirs)
	// Owners whose names look like another's partition.
	odd := happening("porch.front", t0, 1, event.Started)
	upsert(t, s, "alice#porch.front", odd)

	for owner, want := range map[string]*event.Event{"alice": mine, "bob": theirs} {
		got, err := s.Event(t.Context(), owner, mine.EventID)
		require.NoError(t, err)
		require.Equal(t, want, got)
		for _, camera := range []string{"", "porch.front"} {
			page, err := s.Events(t.Context(), owner, store.Query{Camera: camera, Limit: 10})
			require.NoError(t, err)
			require.Equal(t, []*store.Labeled{{Event: *want}}, page.Events)
		}
	}
	_, err := s.Event(t.Context(), "carol", mine.EventID)
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = s.Event(t.Context(), "alice", odd.EventID)
	require.ErrorIs(t, err, store.ErrNotFound)
}

func BenchmarkUpsert(b *testing.B) {
	s := fresh(b)
	for i := range b.N {
		upsert(b, s, "alice", happening("porch.front", t0.Add(time.Duration(i)*time.Second), 1, event.Started, "person"))
	}
}

func BenchmarkUpsertParallel(b *testing.B) {
	s, n := fresh(b), atomic.Int64{}
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			e := happening("porch.front", t0.Add(time.Duration(n.Add(1))*time.Second), 1, event.Started, "person")
			if written, err := s.UpsertEvent(b.Context(), "alice", e, far); err != nil || !written {
				b.Error(written, err)
			}
		}
	})
}

func BenchmarkEvents(b *testing.B) {
	s := fresh(b)
	for i := range 1000 {
		upsert(b, s, "alice", happening(fmt.Sprintf("porch.c%d", i%3), t0.Add(time.Duration(i)*time.Second), 1, event.Started, "person"))
	}
	for _, q := range []store.Query{{Limit: 50}, {Limit: 50, Camera: "porch.c1"}, {Limit: 50, Label: "person"}} {
		b.Run(fmt.Sprintf("camera=%q,label=%q", q.Camera, q.Label), func(b *testing.B) {
			for b.Loop() {
				page, err := s.Events(b.Context(), "alice", q)
				if err != nil || !slices.IsSortedFunc(page.Events, func(x, y *store.Labeled) int {
					return y.StartedAt.Compare(x.StartedAt.Time)
				}) {
					b.Fatal(err)
				}
			}
		})
	}
}
