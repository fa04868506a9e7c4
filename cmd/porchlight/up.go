package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"porchlight/internal/localcloud"
	"porchlight/internal/onemachine"
)

// UpCmd runs everything on this machine.
type UpCmd struct {
	Camera  []string `name:"camera" sep:"none" placeholder:"[NAME=]SOURCE" help:"A camera: rtsp:// URL, /dev/videoN, a video file (played in a loop) or a folder of pictures. May be repeated; the name is \"camera\" if none is given."`
	Config  string   `name:"config" type:"path" placeholder:"FILE" help:"File with the sections detector, spool and cameras."`
	Data    string   `name:"data" type:"path" default:"data" help:"Folder of everything that is kept."`
	Models  string   `name:"models" env:"PORCHLIGHT_MODELS" type:"path" placeholder:"DIR" help:"Folder of the models (default: ~/.local/share/porchlight/models)."`
	Thing   []string `name:"thing" default:"home" help:"AWS IoT name of the gateway. May be repeated: the others get a certificate, for devices that run elsewhere."`
	Owner   string   `name:"owner" default:"owner@porchlight.local" help:"E-mail of the first owner."`
	Listen  string   `name:"listen" default:"${app}" help:"Address of the app."`
	AWS     string   `name:"aws" default:"${aws}" help:"Address of the AWS APIs."`
	MQTT    string   `name:"mqtt" default:"${mqtt}" help:"Address of the MQTT broker."`
	MQTTWS  string   `name:"mqtt-websocket" default:"${mqtt_websocket}" help:"Address of the MQTT broker for clients that sign in with AWS keys, over WebSocket."`
	Creds   string   `name:"credentials" default:"${credentials}" help:"Address of the IoT credentials provider."`
	TURN    string   `name:"turn" default:"${turn}" help:"Address of the relay of live video, UDP and TCP; empty for none."`
	Root    string   `name:"root" type:"path" placeholder:"DIR" help:"Checkout that make build was run in (default: the one this program is in)."`
	JSON    bool     `name:"json" help:"Print JSON Lines: first where everything is, then every event."`
	Verbose bool     `name:"verbose" short:"v" help:"Log more than warnings."`
}

// upVars are the defaults of the addresses.
func upVars() map[string]string {
	a := localcloud.DefaultAddresses()
	return map[string]string{"app": a.App, "aws": a.AWS, "mqtt": a.MQTT, "mqtt_websocket": a.MQTTWebSocket, "credentials": a.Credentials, "turn": a.TURN}
}

// Run runs until ctx ends.
func (c *UpCmd) Run(ctx context.Context, streams *Streams) error {
	cameras, err := parseCameras(c.Camera)
	if err != nil {
		return usageError{err}
	}
	root, err := checkout(c.Root)
	if err != nil {
		return err
	}
	level := slog.LevelWarn
	if c.Verbose {
		level = slog.LevelInfo
	}
	return onemachine.Run(ctx, onemachine.Options{
		Installation: onemachine.InCheckout(root), Data: c.Data, Thing: c.Thing[0], MoreThings: c.Thing[1:], Owner: c.Owner,
		Listen: localcloud.Addresses{App: c.Listen, AWS: c.AWS, MQTT: c.MQTT, MQTTWebSocket: c.MQTTWS, Credentials: c.Creds, TURN: c.TURN},
		Config: c.Config, Cameras: cameras, Models: c.Models, Stdout: streams.Stdout, JSON: c.JSON,
		Log: slog.New(slog.NewTextHandler(streams.Stderr, &slog.HandlerOptions{Level: level})),
		Step: func(format string, a ...any) {
			fmt.Fprintf(streams.Stderr, "==> "+format+"\n", a...)
		},
		Ready: func(r onemachine.Ready) {
			if c.JSON {
				_ = json.NewEncoder(streams.Stdout).Encode(map[string]any{"ready": r})
			}
		},
	})
}

// parseCameras reads [NAME=]SOURCE. A source may hold = itself, so a name is
// only what could be one.
func parseCameras(specs []string) (map[string]string, error) {
	cameras := map[string]string{}
	for _, spec := range specs {
		name, source, named := strings.Cut(spec, "=")
		if !named || strings.ContainsAny(name, "/:.?") {
			name, source = "camera", spec
		}
		if _, taken := cameras[name]; taken {
			return nil, fmt.Errorf("two cameras are named %q: name each, as in --camera front=rtsp://…", name)
		}
		if !strings.Contains(source, "://") {
			absolute, err := filepath.Abs(source)
			if err != nil {
				return nil, err
			}
			source = absolute
		}
		cameras[name] = source
	}
	return cameras, nil
}

// checkout finds the folder that make build was run in.
func checkout(root string) (string, error) {
	if root != "" {
		return root, nil
	}
	program, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w: name it with --root", err)
	}
	return filepath.Dir(filepath.Dir(program)), nil
}
