package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"porchlight/internal/capture/simulator"
	"porchlight/internal/event"
)

const (
	maxP50  = time.Second
	maxP95  = 2 * time.Second
	stagger = 7 * time.Second  // between the starts of two cameras
	settle  = 10 * time.Second // before the first sample: connecting, first look
	quiet   = 5 * time.Second  // without a person before the next is a new appearance
)

// latency measures from the moment a camera takes the first picture with a
// person to the moment the owner can read the event at the API.
func latency(ctx context.Context, b *bench) (_ []row, err error) {
	every, err := b.footage.everyFrame(ctx)
	if err != nil {
		return nil, err
	}
	first := appearances(every)
	if len(first) == 0 {
		return nil, errors.New("nobody ever appears on the clip")
	}
	watch := newWatch()
	sources := map[string]string{}
	for i := range b.cameras {
		name := fmt.Sprintf("camera%d", i)
		camera, err := simulator.New(ctx, simulator.Config{
			File: b.footage.clip, Log: discard(),
			FrameSent: func(index, _ int, at time.Time) {
				if first[index] {
					watch.visible(homeThing+"."+name, at)
				}
			},
		})
		if err != nil {
			return nil, err
		}
		defer camera.Close()
		if int64(camera.Frames()) != every.frames {
			return nil, fmt.Errorf("the camera plays %d frames and the detector saw %d", camera.Frames(), every.frames)
		}
		sources[name] = camera.URL()
		if err := wait(ctx, stagger); err != nil {
			return nil, err
		}
	}
	video, signedIn := &persisted{}, make(chan *api, 1)
	var owner *api
	h, err := b.startHome(ctx, "latency", sources, b.log, func(e event.Event, at time.Time) {
		watch.told(e, at)
		if owner == nil {
			select {
			case owner = <-signedIn:
			default:
				return // before the first sample
			}
		}
		video.follow(ctx, owner, e, at)
	})
	if err != nil {
		return nil, err
	}
	signedIn <- h.owner
	defer func() { err = errors.Join(err, h.stop()) }()
	if err := wait(ctx, settle); err != nil {
		return nil, err
	}
	b.say("watching %d cameras for %s: %d appearances in each round of the clip", b.cameras, b.duration, len(first))
	watching, stop := context.WithTimeout(ctx, b.duration)
	defer stop()
	var polling sync.WaitGroup
	watch.open()
	polling.Go(func() { watch.poll(ctx, h.owner) })
	<-watching.Done()
	watch.shut()
	polling.Wait()
	if err := errors.Join(ctx.Err(), watch.failed); err != nil {
		return nil, err
	}
	return append(watch.rows(b), video.rows()...), video.failed
}

// appearances are the frames on which a person is seen after none was for the
// quiet time, the clip being played in a loop.
func appearances(every *pass) map[int]bool {
	frame := every.video / time.Duration(len(every.persons)-1)
	first, n := map[int]bool{}, len(every.persons)
	empty := 0
	for i := range 2 * n { // the first round tells what comes before the second
		switch person := every.persons[i%n]; {
		case person && i >= n && time.Duration(empty)*frame >= quiet:
			first[i-n] = true
			empty = 0
		case person:
			empty = 0
		default:
			empty++
		}
	}
	return first
}
