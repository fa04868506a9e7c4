package spool

import (
	"context"
	"errors"
)

// Drain sends records in order, each until it is taken, and waits for more.
// It returns when ctx ends or the spool is closed. While the other side is
// busy (ErrBusy), it goes at the other side's pace.
func (s *Spool) Drain(ctx context.Context, send func(context.Context, Record) error) error {
	wait := newRetries(firstWait, longestWait)
	busy := newRetries(firstBusy, longestBusy)
	for {
		p, err := s.oldest()
		if err != nil {
			return err
		}
		if p == nil {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-s.wake:
				continue
			}
		}
		err = send(ctx, *p.record)
		switch {
		case err == nil:
			s.done(p)
			if wait.tries > 1 {
				s.cfg.Log.Info("sending goes on", "spool", s.cfg.Path, "after_tries", wait.tries)
			}
			wait.reset()
			busy.reset()
			continue
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrRefused):
			s.cfg.Log.Error("record was refused for good and is set aside", "name", p.record.Name, "spool", s.cfg.Path, "error", err)
			s.setAside(p, err)
			wait.reset()
			busy.reset()
			continue
		case errors.Is(err, ErrBusy):
			if busy.tries == manyBusy {
				s.cfg.Log.Warn("the other side has been busy for long, will try again", "name", p.record.Name, "spool", s.cfg.Path, "error", err)
			}
			err = busy.sleep(ctx)
		default:
			if wait.news(err) {
				s.cfg.Log.Warn("cannot send yet, will try again", "name", p.record.Name, "spool", s.cfg.Path, "error", err)
			}
			err = wait.sleep(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// done removes what was sent.
func (s *Spool) done(p *place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.leave(p)
	}
}
