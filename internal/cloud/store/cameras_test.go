package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
	"porchlight/internal/localcloud/dynamo/dynamotest"
)

func TestClaimedOnce(t *testing.T) {
	s := fresh(t)
	_, err := s.OwnerOf(t.Context(), "porch")
	require.ErrorIs(t, err, store.ErrUnclaimed)
	require.NoError(t, s.Claim(t.Context(), "porch", "alice"))
	require.ErrorIs(t, s.Claim(t.Context(), "porch", "bob"), store.ErrClaimed)
	require.NoError(t, s.Claim(t.Context(), "porch", "alice"), "claiming again changes nothing")
	owner, err := s.OwnerOf(t.Context(), "porch")
	require.NoError(t, err)
	require.Equal(t, "alice", owner)
}

func TestOneOfManyClaimsWins(t *testing.T) {
	s := fresh(t)
	errs := make(chan error)
	for _, owner := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		go func() { errs <- s.Claim(context.Background(), "porch", owner) }()
	}
	won := 0
	for range 8 {
		if err := <-errs; err == nil {
			won++
		} else {
			require.ErrorIs(t, err, store.ErrClaimed)
		}
	}
	require.Equal(t, 1, won)
}

// message is a status as the cloud receives it.
type message struct {
	*event.Status
	received time.Time
}

// status makes one of a session (its number) received so many seconds in.
func status(session, seconds int, state event.Presence, cameras ...event.CameraStatus) message {
	id := event.NewID(t0.Add(time.Duration(session) * time.Minute))[:10] + "0000000000000000"
	return message{&event.Status{
		State: state, Session: id, Version: "1.0", At: event.At(t0),
		Detector: &event.Detector{Model: "yolox-nano"}, Cameras: cameras,
	}, t0.Add(time.Duration(seconds) * time.Second)}
}

func is(name string, state event.CameraState) event.CameraStatus {
	return event.CameraStatus{Camera: "porch." + name, State: state}
}

type seen struct {
	name   string
	online bool
	state  event.CameraState
}

func see(ctx context.Context, s *store.Store, owner string) (out []seen, err error) {
	cameras, err := s.Cameras(ctx, owner)
	for _, c := range cameras {
		out = append(out, seen{c.Name, c.Online, c.State})
	}
	return out, err
}

// orders are all ways to deliver messages twice; given counts deliveries so far.
func orders(given []int) (all [][]int) {
	done := true
	for i := range given {
		if given[i] == 2 {
			continue
		}
		done = false
		given[i]++
		for _, rest := range orders(given) {
			all = append(all, append([]int{i}, rest...))
		}
		given[i]--
	}
	if done {
		return [][]int{nil}
	}
	return all
}

func TestStatusStories(t *testing.T) {
	running, connecting := event.CameraRunning, event.CameraConnecting
	for name, story := range map[string]struct {
		messages []message
		want     []seen
	}{
		"goes on": {
			[]message{status(1, 0, event.Online, is("front", connecting)), status(1, 1, event.Online, is("front", running))},
			[]seen{{"front", true, running}}},
		"breaks off: all its cameras, unnamed": {
			[]message{status(1, 0, event.Online, is("back", running), is("front", running)), status(1, 9, event.Offline)},
			[]seen{{"back", false, running}, {"front", false, running}}},
		"comes back before the old session's will": {
			[]message{status(1, 0, event.Online, is("front", running)), status(2, 5, event.Online, is("front", connecting)), status(1, 9, event.Offline)},
			[]seen{{"front", true, connecting}}},
		"is down to one camera in a new session": {
			[]message{status(1, 0, event.Online, is("back", running), is("front", running)), status(2, 5, event.Online, is("front", running))},
			[]seen{{"back", false, running}, {"front", true, running}}},
		"never says anything but goodbye": {
			[]message{status(1, 0, event.Offline)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := fresh(t)
			// In any order and twice over, the end is the same.
			for i, order := range orders(make([]int, len(story.messages))) {
				owner := fmt.Sprintf("owner%d", i)
				thing := "porch" + owner
				require.NoError(t, s.Claim(t.Context(), thing, owner))
				for _, n := range order {
					m := story.messages[n]
					st := *m.Status
					st.Cameras = nil
					for _, c := range m.Cameras {
						c.Camera = thing + c.Camera[len("porch"):]
						st.Cameras = append(st.Cameras, c)
					}
					require.NoError(t, s.ApplyStatus(t.Context(), owner, thing, &st, m.received))
				}
				got, err := see(t.Context(), s, owner)
				require.NoError(t, err)
				require.Equal(t, story.want, got, "%v", order)
			}
		})
	}
}

func TestStatusFields(t *testing.T) {
	s := fresh(t)
	require.NoError(t, s.Claim(t.Context(), "porch", "alice"))
	on := status(1, 5, event.Online, event.CameraStatus{Camera: "porch.front", State: event.CameraFailed, Message: "no route to host: check the cable"})
	on.Detector.Weak = true
	require.NoError(t, s.ApplyStatus(t.Context(), "alice", "porch", on.Status, on.received))
	cameras, err := s.Cameras(t.Context(), "alice")
	require.NoError(t, err)
	require.Equal(t, []*store.Camera{{
		Camera: "porch.front", Thing: "porch", Name: "front", Online: true, State: event.CameraFailed,
		Message: "no route to host: check the cable", ChangedAt: event.At(on.received), Version: "1.0",
		Detector: &event.Detector{Model: "yolox-nano", Weak: true}, Session: on.Session,
	}}, cameras)

	off := status(1, 60, event.Offline)
	require.NoError(t, s.ApplyStatus(t.Context(), "alice", "porch", off.Status, off.received))
	cameras, err = s.Cameras(t.Context(), "alice")
	require.NoError(t, err)
	require.Equal(t, event.At(off.received), cameras[0].ChangedAt)
	has, err := s.HasCamera(t.Context(), "alice", "porch.front")
	require.NoError(t, err)
	require.True(t, has)
	has, err = s.HasCamera(t.Context(), "bob", "porch.front")
	require.NoError(t, err)
	require.False(t, has)
}

// A camera is its owner's for as long as its thing is.
func TestCameraOfAnOwner(t *testing.T) {
	db := api(t)
	s := over(db)
	_, err := s.Camera(t.Context(), "alice", "porch.front")
	require.ErrorIs(t, err, store.ErrNotFound)
	require.NoError(t, s.Claim(t.Context(), "porch", "alice"))
	_, err = s.Camera(t.Context(), "alice", "porch.front")
	require.ErrorIs(t, err, store.ErrNotFound, "the thing has not said that it has one")
	for i, state := range []event.Presence{event.Online, event.Offline} {
		st := status(1, i, state, is("front", event.CameraPrivate))
		require.NoError(t, s.ApplyStatus(t.Context(), "alice", "porch", st.Status, st.received))
		all, err := s.Cameras(t.Context(), "alice")
		require.NoError(t, err)
		c, err := s.Camera(t.Context(), "alice", "porch.front")
		require.NoError(t, err)
		require.Equal(t, all[0], c)
		require.Equal(t, state == event.Online, c.Online)
		require.Equal(t, event.CameraPrivate, c.State)
	}
	for owner, camera := range map[string]string{"bob": "porch.front", "alice": "porch.back"} {
		_, err = s.Camera(t.Context(), owner, camera)
		require.ErrorIs(t, err, store.ErrNotFound)
	}
	for _, camera := range []string{"", "porch", "porch.front#x"} {
		_, err = s.Camera(t.Context(), "alice", camera)
		require.ErrorIs(t, err, store.ErrInvalid)
	}
	_, err = db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(dynamotest.Table().TableName),
		Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "THING#porch"}, "sk": &types.AttributeValueMemberS{Value: "OWNER"}}})
	require.NoError(t, err)
	_, err = s.Camera(t.Context(), "alice", "porch.front")
	require.ErrorIs(t, err, store.ErrNotFound, "nobody's")
	require.NoError(t, s.Claim(t.Context(), "porch", "bob"))
	for _, owner := range []string{"alice", "bob"} {
		_, err = s.Camera(t.Context(), owner, "porch.front")
		require.ErrorIs(t, err, store.ErrNotFound, "bob's thing has not told bob of any")
	}
}

func TestStatusOnlyOfOwnThing(t *testing.T) {
	s := fresh(t)
	require.NoError(t, s.Claim(t.Context(), "porch", "alice"))
	st := status(1, 0, event.Online, is("front", event.CameraRunning))
	require.ErrorIs(t, s.ApplyStatus(t.Context(), "alice", "shed", st.Status, t0), store.ErrInvalid)
	require.ErrorIs(t, s.ApplyStatus(t.Context(), "bob", "porch", st.Status, t0), store.ErrUnclaimed)
	got, err := see(t.Context(), s, "bob")
	require.NoError(t, err)
	require.Empty(t, got)
}
