// Command porchlight is the operator's tool: it runs Porchlight on one
// machine and looks into its parts. Results go to stdout, everything else to
// stderr; it exits with 0 when done, 1 when something failed and 2 when it was
// called wrongly.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line. Each verb is a struct with a Run method.
type cli struct {
	Up         UpCmd         `cmd:"" help:"Run everything on this machine: the cloud, the app and the cameras."`
	User       UserCmd       `cmd:"" help:"Add and list the owners who may sign in on this machine."`
	Detect     DetectCmd     `cmd:"" help:"Find persons, pets and vehicles in pictures and videos."`
	Replay     ReplayCmd     `cmd:"" help:"Run a camera's pipeline over recordings and show what it makes of them."`
	Recordings RecordingsCmd `cmd:"" help:"Show and copy the video on this machine's disk."`
	Camera     CameraCmd     `cmd:"" help:"Try cameras out, and add them to the cloud."`
	Faces      FacesCmd      `cmd:"" help:"Find faces in pictures and videos, and tell whose they are."`
	Models     ModelsCmd     `cmd:"" help:"List, fetch and check the neural networks."`
	Publish    PublishCmd    `cmd:"" help:"Publish the Greengrass components to AWS, and deploy them."`
	Update     UpdateCmd     `cmd:"" help:"Update devices: their detection model, or their software."`
	Command    CommandCmd    `cmd:"" help:"Send a command to a device."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], &Streams{
		Stdout: os.Stdout,
		Stderr: os.Stderr,
		Log:    slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	stop()
	os.Exit(code)
}

// run is main without the process around it.
func run(ctx context.Context, args []string, streams *Streams) int {
	exited := -1 // kong exits by itself after --help
	parser, err := kong.New(&cli{},
		kong.Name("porchlight"),
		kong.Description("Watches a home and keeps the evidence."),
		kong.Writers(streams.Stdout, streams.Stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(streams),
		kong.Vars(upVars()),
	)
	if err != nil {
		fmt.Fprintln(streams.Stderr, "porchlight:", err)
		return 1
	}
	verb, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(streams.Stderr, "porchlight: %v: see porchlight --help\n", err)
		return 2
	}
	err = verb.Run()
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		name, _, _ := strings.Cut(verb.Command(), " <") // what follows are its arguments
		fmt.Fprintf(streams.Stderr, "porchlight: %v: see porchlight %s --help\n", err, name)
		return 2
	default:
		fmt.Fprintln(streams.Stderr, "porchlight:", err)
		return 1
	}
}
