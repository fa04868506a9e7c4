package main

import "context"

type footage struct{ about string }

func openFootage(context.Context, string) (*footage, error) { return &footage{}, nil }
func packages(context.Context, *bench) ([]row, error)   { return nil, nil }
func coldStarts(context.Context, *bench) ([]row, error) { return nil, nil }
func pipelines(context.Context, *bench) ([]row, error)  { return nil, nil }
func idle(context.Context, *bench) ([]row, error)       { return nil, nil }
func latency(context.Context, *bench) ([]row, error)    { return nil, nil }
