package spool_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/iot/spool"
)

func benchmarked(b *testing.B) *spool.Spool {
	b.Helper()
	s, err := spool.Open(spool.Config{Path: filepath.Join(b.TempDir(), "s"), Log: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	b.Cleanup(func() { s.Close() })
	return s
}

func BenchmarkPut(b *testing.B) {
	s := benchmarked(b)
	payload := make([]byte, 600)
	for b.Loop() {
		if err := s.Put("topic", payload); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPutAndDrain is the way of one event: written, sent, removed.
func BenchmarkPutAndDrain(b *testing.B) {
	s := benchmarked(b)
	payload, sent := make([]byte, 600), make(chan struct{})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Drain(ctx, func(context.Context, spool.Record) error { sent <- struct{}{}; return nil })
	}()
	for b.Loop() {
		if err := s.Put("topic", payload); err != nil {
			b.Fatal(err)
		}
		<-sent
	}
	cancel()
	<-done
}

// BenchmarkDrain empties a full spool.
func BenchmarkDrain(b *testing.B) {
	s := benchmarked(b)
	payload := make([]byte, 600)
	for b.Loop() {
		b.StopTimer()
		const records = 100
		for range records {
			if err := s.Put("topic", payload); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		ctx, cancel := context.WithCancel(b.Context())
		n := 0
		_ = s.Drain(ctx, func(context.Context, spool.Record) error {
			if n++; n == records {
				cancel()
			}
			return nil
		})
	}
}
