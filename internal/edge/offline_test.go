package edge

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/iot"
	"porchlight/internal/iot/iottest"
	"porchlight/internal/iot/spool"
)

// Each event goes through this many states.
const states = 5

// occurrence is event n as it is for the k-th time, from 1 to states.
func occurrence(n, k int) event.Event {
	state := event.Updated
	switch k {
	case 1:
		state = event.Started
	case states:
		state = event.Ended
	}
	at := event.At(time.Date(2027, 1, 1, 0, 0, n, 0, time.UTC))
	e := happening("home.door", k, state, event.NewID(at.Time))
	e.EventID = fmt.Sprintf("01JGF%021d", n)
	e.StartedAt, e.UpdatedAt = at, at
	return e
}

// arrivals is what the broker has got: how often, by event and sequence.
type arrivals struct {
	mu     sync.Mutex
	times  map[string]int
	order  map[string][]int // sequences by event, first arrivals only
	repeat int
	hook   func(total int)
}

func (a *arrivals) take(m iottest.Message) packets.Code {
	e, err := event.Parse(m.Payload)
	if err != nil {
		return packets.ErrPayloadFormatInvalid
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	key := fmt.Sprint(e.EventID, " ", e.Sequence)
	if a.times[key]++; a.times[key] > 1 {
		a.repeat++
	} else {
		a.order[e.EventID] = append(a.order[e.EventID], e.Sequence)
	}
	if a.hook != nil {
		a.hook(len(a.times))
	}
	return packets.CodeSuccess
}

func (a *arrivals) distinct() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.times)
}

func newArrivals() *arrivals { return &arrivals{times: map[string]int{}, order: map[string][]int{}} }

// deliver connects what is spooled in a folder with a broker until it is empty.
func deliver(t *testing.T, b *iottest.Broker, dir string, maxBytes int64) {
	t.Helper()
	u := spooledIn(t, dir, maxBytes, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	client, err := iot.Connect(ctx, iot.ClientConfig{
		Endpoint: b.Addr(), ClientID: "home", TLS: b.Identity("home"), Log: slog.New(slog.DiscardHandler),
		NewSession: func() string { return "session" },
	})
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() { u.run(ctx, client, newCloud()) })
	defer func() {
		cancel()
		running.Wait()
		client.Wait()
		require.NoError(t, u.close())
	}()
	require.Eventually(t, func() bool { return u.events.Stats().Depth == 0 }, 3*patience, 10*time.Millisecond)
	require.Zero(t, u.events.Stats().Dropped)
}

func spooledIn(t *testing.T, dir string, maxBytes int64, log *slog.Logger) *uplink {
	t.Helper()
	u, err := openUplink(&config.Config{
		Thing: "home", StateDir: dir, Spool: config.Spool{MaxBytes: maxBytes, MaxAge: 10000 * time.Hour},
	}, log, nil)
	require.NoError(t, err)
	t.Cleanup(func() { u.close() })
	return u
}

const (
	events   = 100
	variable = "EDGE_PUT_EVENTS_IN"
)

// putUntilKilled is a device that is offline: it says what is on its disk, and
// does not end by itself.
func putUntilKilled(t *testing.T, dir string) {
	u := spooledIn(t, dir, 1<<30, slog.New(slog.DiscardHandler))
	for k := 1; k <= states; k++ {
		for n := range events {
			require.NoError(t, u.Publish(t.Context(), occurrence(n, k), nil))
			_, _ = fmt.Fprintf(os.Stdout, "\nput %d %d\n", n, k)
		}
	}
	select {}
}

// The power goes while a device that is offline records events. What it said is
// on its disk arrives when it is back, each state once and in order.
func TestOfflineEventsOutliveThePower(t *testing.T) {
	if dir := os.Getenv(variable); dir != "" {
		putUntilKilled(t, dir)
	}
	dir := t.TempDir()
	put := killedWhilePutting(t, dir, events*states/2)

	// The next life records the rest, still offline, and ends in order.
	u := spooledIn(t, dir, 1<<30, slog.New(slog.DiscardHandler))
	require.GreaterOrEqual(t, u.events.Stats().Depth, len(put))
	require.LessOrEqual(t, u.events.Stats().Depth, len(put)+1, "and at most the one that was in the making")
	for k := 1; k <= states; k++ {
		for n := range events {
			if !put[[2]int{n, k}] {
				require.NoError(t, u.Publish(t.Context(), occurrence(n, k), nil))
			}
		}
	}
	require.NoError(t, u.close())

	b, got := iottest.New(t, nil), newArrivals()
	b.Arrived = got.take
	b.Up()
	deliver(t, b, dir, 1<<30)
	require.Equal(t, events*states, got.distinct())
	require.LessOrEqual(t, got.repeat, 1, "the one in the making when the power went was put again")
	for id, sequences := range got.order {
		require.Equal(t, []int{1, 2, 3, 4, 5}, sequences, id)
	}
}

// killedWhilePutting runs a device in a process of its own and kills it once it
// has put so many states. It returns those that it said were on its disk.
func killedWhilePutting(t *testing.T, dir string, enough int) map[[2]int]bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOfflineEventsOutliveThePower$")
	cmd.Env = append(os.Environ(), variable+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	put, all := map[[2]int]bool{}, []string{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var n, k int
		if _, err := fmt.Sscanf(lines.Text(), "put %d %d", &n, &k); err == nil {
			put[[2]int{n, k}] = true
		} else {
			all = append(all, lines.Text())
		}
		if len(put) == enough {
			require.NoError(t, cmd.Process.Kill()) // SIGKILL; what it said before is still read
		}
	}
	require.Error(t, cmd.Wait(), "it was killed")
	require.GreaterOrEqual(t, len(put), enough, strings.Join(all, "\n"))
	return put
}

// A broker that dies over and over loses nothing, and repeats are only of what
// was on its way.
func TestBrokerThatDiesDuringDelivery(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const some = 20
	u := spooledIn(t, dir, 1<<30, slog.New(slog.DiscardHandler))
	for k := 1; k <= states; k++ {
		for n := range some {
			require.NoError(t, u.Publish(t.Context(), occurrence(n, k), nil))
		}
	}
	require.NoError(t, u.close())
	b, got := iottest.New(t, nil), newArrivals()
	deaths, died := make(chan struct{}, 10), 0
	got.hook = func(total int) {
		if total == 25*(died+1) && died < 3 {
			died++
			deaths <- struct{}{}
			b.Cut() // before it is acknowledged
		}
	}
	b.Arrived = got.take
	b.Up()
	var reviving sync.WaitGroup
	stop := make(chan struct{})
	reviving.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-deaths:
				b.Down()
				b.Up()
			}
		}
	})
	deliver(t, b, dir, 1<<30)
	close(stop)
	reviving.Wait()
	require.Equal(t, some*states, got.distinct())
	require.Equal(t, 3, died)
	require.LessOrEqual(t, got.repeat, died, "one in flight at each death")
	require.Positive(t, got.repeat)
	for id, sequences := range got.order {
		require.Equal(t, []int{1, 2, 3, 4, 5}, sequences, id)
	}
}

// A bound of 64 KB keeps the newest, counts the others and says so.
func TestOfflineForLongerThanThereIsRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	defer file.Close()
	u := spooledIn(t, dir, 128<<10, slog.New(slog.NewTextHandler(file, nil))) // half of it is for events
	const put = events * states
	for n := range events {
		for k := 1; k <= states; k++ {
			require.NoError(t, u.Publish(t.Context(), occurrence(n, k), nil))
		}
	}
	stats := u.events.Stats()
	require.LessOrEqual(t, stats.Bytes, int64(64<<10))
	require.Positive(t, stats.Full)
	require.Equal(t, spool.Stats{Depth: stats.Depth, Bytes: stats.Bytes, Dropped: stats.Full, Full: put - int64(stats.Depth)}, stats)
	require.NoError(t, u.close())
	text, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	require.Contains(t, string(text), "spool is full, the oldest records were dropped")
	require.Contains(t, string(text), fmt.Sprintf("dropped_in_all=%d", stats.Full))

	b, got := iottest.New(t, nil), newArrivals()
	b.Arrived = got.take
	b.Up()
	deliver(t, b, dir, 128<<10)
	require.Equal(t, stats.Depth, got.distinct())
	require.Zero(t, got.repeat)
	require.Equal(t, []int{1, 2, 3, 4, 5}, got.order[occurrence(events-1, 1).EventID], "the newest arrive whole")
	require.NotContains(t, got.order, occurrence(0, 1).EventID, "the oldest went")
}
