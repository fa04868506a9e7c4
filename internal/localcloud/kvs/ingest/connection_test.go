package ingest_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/at-wat/ebml-go"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/ingest"
)

func unmarshal(r io.Reader, into any) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return ebml.Unmarshal(bytes.NewReader(raw), into, ebml.WithIgnoreUnknown(true))
}

func TestIdleConnectionIsToldAndClosed(t *testing.T) {
	t.Parallel()
	w := start(t, ingest.Limits{Idle: 3 * time.Second, IdleAck: 50 * time.Millisecond})
	u := w.open(t)
	u.send(header(video), gop(now()), tags("AWS_KINESISVIDEO_END_OF_FRAGMENT", ""))
	acks := u.rest() // ends, since the service closes
	require.Equal(t, ingest.Idle, acks[len(acks)-1].EventType)
	acks = slices.DeleteFunc(acks, func(a ingest.Ack) bool { return a.EventType == ingest.Idle })
	require.Equal(t, whole, types(acks), "the fragment ended before the connection did")
}

func TestConnectionHasALife(t *testing.T) {
	t.Parallel()
	w := start(t, ingest.Limits{Connection: 500 * time.Millisecond})
	u := w.open(t)
	go func() {
		u.send(header(video))
		for at := now(); ; at += 1000 {
			if _, err := u.body.Write(gop(at)); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	acks := u.rest()
	last := acks[len(acks)-1]
	require.Equal(t, 4003, last.ErrorId)
	require.Equal(t, "MAX_CONNECTION_DURATION_REACHED", last.ErrorCode)
	require.Equal(t, http.StatusOK, w.open(t).res.StatusCode, "the next one may come at once")
}

func TestDeletedStreamEndsItsUpload(t *testing.T) {
	t.Parallel()
	w := start(t, ingest.Limits{})
	u := w.open(t)
	u.send(header(video), gop(now()), tags("AWS_KINESISVIDEO_END_OF_FRAGMENT", ""))
	for range 3 {
		_, ok := u.next()
		require.True(t, ok)
	}
	require.NoError(t, w.store.Delete("porch", ""))
	acks := u.rest()
	require.Equal(t, 4008, acks[len(acks)-1].ErrorId)
}

func TestBrokenConnectionStoresWholeFragmentsOnly(t *testing.T) {
	t.Parallel()
	w, t0 := start(t, ingest.Limits{}), now()
	u := w.open(t)
	u.send(header(video), gop(t0), gop(t0+1000))
	for range 4 {
		_, ok := u.next()
		require.True(t, ok)
	}
	u.body.CloseWithError(errors.New("cut")) // the client breaks its connection off
	require.Eventually(t, func() bool {
		again := w.open(t)
		defer again.body.Close()
		return again.res.StatusCode == http.StatusOK
	}, time.Minute, 10*time.Millisecond, "the stream is free again")
	stored, err := w.store.Find(fragments.Query{ARN: arn})
	require.NoError(t, err)
	require.Len(t, stored, 1)
}

func TestStreamWithoutRetentionIsNotPersisted(t *testing.T) {
	t.Parallel()
	w := start(t, ingest.Limits{})
	_, err := w.store.Update("porch", "", func(s *fragments.Stream) error { s.RetentionHours = 0; return nil })
	require.NoError(t, err)
	require.Equal(t, "BUFFERING RECEIVED", types(w.open(t).all(header(video), gop(now()))))
	stored, err := w.store.Find(fragments.Query{ARN: arn, Transient: true})
	require.NoError(t, err)
	require.Len(t, stored, 1)
}

func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	t0 := now()
	parts := [][]byte{header(video), gop(t0), gop(t0 + 1000), gop(t0 + 2000)}
	t.Run("an error for each id", func(t *testing.T) {
		t.Parallel()
		w := start(t, ingest.Limits{})
		for _, id := range []int{4000, 4005, 4012, 4500, 4506, 5000, 5001} {
			w.faults.Inject(ingest.Fault{Fragment: 1, ErrorID: id})
			acks := w.open(t).all(parts...)
			require.Equal(t, "BUFFERING ERROR", types(acks))
			require.Equal(t, id, acks[1].ErrorId)
			require.NotEmpty(t, acks[1].ErrorCode)
			require.Equal(t, acks[0].FragmentNumber, acks[1].FragmentNumber)
		}
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		w := start(t, ingest.Limits{})
		remove := w.faults.Inject(ingest.Fault{Stream: "porch", Times: -1, Status: http.StatusTooManyRequests, Code: "ClientLimitExceededException"})
		for range 2 {
			u := w.open(t)
			require.Equal(t, http.StatusTooManyRequests, u.res.StatusCode)
			require.Equal(t, "ClientLimitExceededException", u.res.Header.Get("X-Amzn-Errortype"))
		}
		remove()
		require.Equal(t, http.StatusOK, w.open(t).res.StatusCode)
	})
	t.Run("lost and late acknowledgments", func(t *testing.T) {
		t.Parallel()
		w := start(t, ingest.Limits{})
		w.faults.Inject(ingest.Fault{Fragment: 2, DropAcks: []string{ingest.Persisted}})
		w.faults.Inject(ingest.Fault{Fragment: 1, Delay: 20 * time.Millisecond, Times: 3})
		require.Equal(t, whole+" BUFFERING RECEIVED "+whole, types(w.open(t).all(parts...)), "order stays")
	})
	for name, f := range map[string]ingest.Fault{
		"cut":   {Fragment: 2, Cut: true},
		"stall": {Fragment: 2, Stall: 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, ingest.Limits{})
			w.faults.Inject(f)
			u := w.open(t)
			acks := u.all(parts...)
			require.Error(t, u.acks.Err(), "it does not end in an orderly way")
			require.NotContains(t, types(acks), "ERROR")
			stored, err := w.store.Find(fragments.Query{ARN: arn})
			require.NoError(t, err)
			require.Len(t, stored, 1, "what was cut is not stored")
			require.Eventually(t, func() bool {
				again := w.open(t)
				if again.res.StatusCode != http.StatusOK {
					return false
				}
				require.Equal(t, whole+" "+whole, types(again.all(header(video), gop(t0+1000), gop(t0+2000))))
				return true
			}, time.Minute, 10*time.Millisecond)
		})
	}
}
