// Command bench measures the budgets of docs/architecture.md section 7 that
// exist so far, on the programs that make build leaves in bin/, and prints a
// table. It asserts nothing: a busy machine is no failure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"porchlight/internal/onemachine"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is what every measurement is given.
type bench struct {
	root     string // of the checkout
	install  onemachine.Installation
	data     string // folder for all state, removed at the end
	footage  *footage
	duration time.Duration // of the measurement in real time
	cameras  int
	events   int
	joins    int           // viewers of the live view measurement
	memory   time.Duration // of the video that each camera is shown while their memory is measured
	profile  string        // file prefix; empty for none
	log      *slog.Logger
	progress io.Writer
}

// say tells whoever waits what is being done.
func (b *bench) say(format string, a ...any) { fmt.Fprintf(b.progress, "==> "+format+"\n", a...) }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

type measurement struct {
	name string
	run  func(context.Context, *bench) ([]row, error)
}

func measurements() []measurement {
	return []measurement{
		{"package", packages}, {"coldstart", coldStarts}, {"events", throughput},
		{"pipeline", pipelines}, {"track", trackers}, {"faces", faces}, {"memory", memory},
		{"idle", idle}, {"live", joining}, {"latency", latency},
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	if len(args) > 0 && args[0] == memoryCommand {
		return watchMemory(ctx, args[1:], stdout)
	}
	b := &bench{progress: stderr}
	var names []string
	for _, m := range measurements() {
		names = append(names, m.name)
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&b.root, "root", ".", "checkout that make build was run in")
	only := flags.String("only", strings.Join(names, ","), "measurements to make")
	flags.DurationVar(&b.duration, "duration", 5*time.Minute, "how long the latency is measured")
	flags.DurationVar(&b.memory, "memory", 10*time.Minute, "how much video each camera is shown while their memory is measured")
	flags.IntVar(&b.cameras, "cameras", 3, "cameras of the latency measurement, which share one gateway")
	flags.IntVar(&b.events, "events", 20000, "events of the throughput measurement")
	flags.IntVar(&b.joins, "joins", 50, "viewers of the live view measurement, one after the other")
	flags.StringVar(&b.profile, "profile", "", "write CPU profiles of the throughput to `PREFIX`.cpu")
	verbose := flags.Bool("v", false, "log warnings")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	b.log = discard()
	if *verbose {
		b.log = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	b.install = onemachine.InCheckout(b.root)
	if b.data, err = os.MkdirTemp("", "porchlight-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.data)
	if b.footage, err = openFootage(ctx, b.root, b.data); err != nil {
		return err
	}
	t := &table{}
	t.head(b)
	var failed error
	for name := range strings.SplitSeq(*only, ",") {
		i := slices.Index(names, name)
		if i < 0 {
			return fmt.Errorf("no measurement %q: there are %s", name, strings.Join(names, ", "))
		}
		b.say("measuring %s", name)
		rows, err := measurements()[i].run(ctx, b)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
		}
		t.rows = append(t.rows, rows...)
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed, t.print(stdout))
}
