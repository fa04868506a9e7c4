package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"porchlight/internal/localcloud/lambda"
)

const (
	coldTries = 5
	warmTries = 20
	maxInit   = 100 * time.Millisecond
)

// coldStarts tells by how much the first invocation of a function takes longer
// than later ones, which is its process's start and initialization.
func coldStarts(ctx context.Context, b *bench) (rows []row, err error) {
	for _, f := range []struct {
		name    string
		measure func(context.Context, *bench, int) (cold, warm time.Duration, err error)
	}{{"events", coldEvents}, {"api", coldAPI}} {
		var inits, warms []time.Duration
		for try := range coldTries {
			cold, warm, err := f.measure(ctx, b, try)
			if err != nil {
				return rows, fmt.Errorf("λ %s: %w", f.name, err)
			}
			inits, warms = append(inits, cold-warm), append(warms, warm)
		}
		median := percentile(inits, 0.5)
		rows = append(rows, row{
			"cold start of λ " + f.name + ", init", fmt.Sprintf("%s (warm invocation %.1f ms)", ms(median), percentile(warms, 0.5).Seconds()*1000),
			"≤ 100 ms", fmt.Sprintf("%.2f× the budget", float64(median)/float64(maxInit)), verdict(median, maxInit),
		})
	}
	return rows, nil
}

// coldThenWarm times a first call and the median of later ones.
func coldThenWarm(call func() error) (cold, warm time.Duration, err error) {
	var warms []time.Duration
	for i := range warmTries + 1 {
		began := time.Now()
		if err := call(); err != nil {
			return 0, 0, err
		}
		if took := time.Since(began); i == 0 {
			cold = took
		} else {
			warms = append(warms, took)
		}
	}
	return cold, percentile(warms, 0.5), nil
}

// coldEvents invokes λ events with nothing to take in.
func coldEvents(ctx context.Context, b *bench, try int) (cold, warm time.Duration, err error) {
	const name = "events"
	service, err := lambda.New(lambda.Config{
		Logger: discard(), Region: "us-east-1", QueuePath: filepath.Join(b.data, fmt.Sprintf("cold%d.db", try)),
		Functions: []lambda.Function{{
			Name: name, ARN: "arn:aws:lambda:us-east-1:000000000000:function:" + name, Path: filepath.Join(b.install.Lambdas, name, "bootstrap"),
			Env: map[string]string{"TABLE_NAME": "none", "EVENT_RETENTION_DAYS": "1"},
		}},
		Credentials: func(context.Context, string) (string, string, string, time.Time, error) {
			return "none", "none", "", time.Time{}, nil
		},
	})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, service.Close()) }()
	return coldThenWarm(func() error {
		res, err := service.Invoke(ctx, name, []byte(`{"Records":[]}`))
		if err == nil && res.FunctionError != "" {
			err = fmt.Errorf("%s", res.Payload)
		}
		return err
	})
}

// coldAPI lists the events of an owner who has none, through the HTTP API.
// λ api fetches a secret when it starts.
func coldAPI(ctx context.Context, b *bench, try int) (cold, warm time.Duration, err error) {
	cloud, _, owner, err := b.openCloud(ctx, fmt.Sprintf("cold%d", try), discard())
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, cloud.Close()) }()
	return coldThenWarm(func() error {
		_, _, err := owner.events(ctx, url.Values{})
		return err
	})
}
