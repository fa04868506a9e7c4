// Command camera is Porchlight's Greengrass component: it watches the
// configured cameras, detects, and tells the cloud. It runs as well on its
// own, with nothing but a configuration file and a thing's certificate.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"porchlight/internal/config"
	"porchlight/internal/edge"
	"porchlight/internal/edge/settings"
	"porchlight/internal/edge/update"
	"porchlight/internal/event"
	"porchlight/internal/greengrass"
	"porchlight/internal/version"
	"porchlight/internal/vision"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "camera:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("wrong usage")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("camera", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("config", "", "configuration `file`; without it the component asks the Greengrass nucleus that started it, or else reads porchlight.yaml")
	asJSON := flags.Bool("json", false, "print events as JSON lines")
	check := flags.Bool("check", false, "judge the configuration file, and stop")
	logFormat := flags.String("log", "text", "log `format`: text or json")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return errUsage
	}
	var handler slog.Handler = slog.NewTextHandler(stderr, nil)
	if *logFormat == "json" {
		handler = slog.NewJSONHandler(stderr, nil)
	}
	log := slog.New(handler)
	if *check {
		return judgeFile(cmp.Or(*file, defaultFile), stderr)
	}
	labels, err := labelLists()
	if err != nil {
		return err
	}
	options := edge.Options{
		Version: version.String(), Open: opener(log), Complete: provisioner(log), Decode: vision.DecodeImage, Labels: labels, Log: log,
		OnEvent: func(e event.Event) {
			if *asJSON {
				_ = json.NewEncoder(stdout).Encode(e)
				return
			}
			fmt.Fprintln(stdout, line(e))
		},
	}
	if *file == "" {
		err := underGreengrass(ctx, options)
		if !errors.Is(err, greengrass.ErrNotUnderGreengrass) {
			return err
		}
		*file = defaultFile
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	switch options.Software, err = launch(*file, stop, log); {
	case errors.Is(err, update.ErrDone):
		return nil
	case err != nil:
		log.Error("this program is not updated", "error", err)
	}
	given := settings.File{Path: *file, Log: log, Reload: hangUps(ctx)}
	options.Watch, options.Read = given.Watch, given.Read
	return edge.Run(ctx, options)
}

// defaultFile is read when nothing names another.
const defaultFile = "porchlight.yaml"

// judgeFile judges all of a configuration file: what would cost one camera
// when the component starts is an error here.
func judgeFile(file string, stderr io.Writer) error {
	cfg, err := config.Load(file)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "%s is good: %d cameras\n", file, len(cfg.Cameras))
	return nil
}

// hangUps delivers SIGHUP, which asks for the configuration to be read again.
func hangUps(ctx context.Context) <-chan struct{} {
	signals, out := make(chan os.Signal, 1), make(chan struct{}, 1)
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		defer signal.Stop(signals)
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
			}
			select {
			case out <- struct{}{}:
			default: // it has not been read since the last one
			}
		}
	}()
	return out
}

// line tells a person of an event, in one line.
func line(e event.Event) string {
	labels := make([]string, 0, len(e.Labels))
	for label, score := range e.Labels {
		labels = append(labels, fmt.Sprintf("%s %.0f%%", label, 100*score))
	}
	text := fmt.Sprintf("%s  %-8s %s  %s", e.UpdatedAt.Local().Format("15:04:05"), e.State, e.Camera, strings.Join(labels, ", "))
	if e.EndedAt != nil {
		text += fmt.Sprintf("  (%.1f s)", e.EndedAt.Sub(e.StartedAt.Time).Seconds())
	}
	return text
}
