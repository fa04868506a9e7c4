package localcloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"porchlight/internal/localcloud/dynamo"
	"porchlight/internal/localcloud/httpapi"
	"porchlight/internal/localcloud/iotcore"
	"porchlight/internal/localcloud/kvs"
	"porchlight/internal/localcloud/kvs/signaling"
	"porchlight/internal/localcloud/lambda"
	"porchlight/internal/localcloud/oidc"
	"porchlight/internal/localcloud/sts"
	"porchlight/internal/localcloud/template"
)

// AccountID is the account everything local belongs to.
const AccountID = "000000000000"

// Addresses to listen on, host:port each; port 0 takes a free one.
type Addresses struct {
	App         string `json:"app"`         // the app, the HTTP API and the sign-in
	AWS         string `json:"aws"`         // the AWS APIs
	MQTT        string `json:"mqtt"`        // IoT Core, mutual TLS
	Credentials string `json:"credentials"` // IoT credentials provider, mutual TLS
	TURN        string `json:"turn"`        // relay of live video, UDP and TCP; empty: there is none

	// MQTTWebSocket is IoT Core for clients that sign in with AWS keys, TLS;
	// empty: not served.
	MQTTWebSocket string `json:"mqtt_websocket"`
}

// DefaultAddresses are on loopback.
func DefaultAddresses() Addresses {
	return Addresses{
		App: "127.0.0.1:8080", AWS: "127.0.0.1:4566", MQTT: "127.0.0.1:8883", MQTTWebSocket: "127.0.0.1:8884", Credentials: "127.0.0.1:8443",
		TURN: "127.0.0.1:3478",
	}
}

// Config of a local cloud. All but Region, Models and Detector are required.
type Config struct {
	Dir         string // state; made if missing
	Template    []byte // the synthesized CloudFormation template
	Lambdas     string // folder that holds <name>/bootstrap for each function
	NodeModules string // where dynalite is installed
	App         fs.FS  // the built web app
	Models      string // folder of networks, for functions whose image would bring theirs, and for Detector; may be empty
	Detector    Detector
	Listen      Addresses
	Region      string // us-east-1 when empty
	Log         *slog.Logger
}

// Detector is what Rekognition looks at pictures with here.
type Detector struct {
	Program string // porchlight; empty: Rekognition says that there is none
	Model   string // in Config.Models; empty: the best one installed
}

// Cloud is a running local cloud. Close stops it.
type Cloud struct {
	cfg   Config
	stack *template.Stack
	roles *roles

	keys      *sts.Service
	tables    *dynamo.Server
	base      *Core // S3, SQS, SNS, Secrets Manager and Rekognition
	video     *kvs.Service
	signaling *signaling.Service
	lambdas   *lambda.Service
	iot       *iotcore.Core
	signIn    *oidc.Provider
	clientID  string
	api       *httpapi.API

	addresses Addresses
	cancel    context.CancelFunc
	running   sync.WaitGroup
	closers   []func() error
}

// Open starts everything and returns once it serves. It ends with Close, or
// when ctx does, after which Close must still be called.
func Open(ctx context.Context, cfg Config) (_ *Cloud, err error) {
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &Cloud{cfg: cfg, cancel: cancel}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	// The listeners come first: their addresses are part of what the template
	// resolves to, and a port in use should be said before anything starts.
	aws, err := c.listen(ctx, "AWS APIs", "--aws", cfg.Listen.AWS)
	if err != nil {
		return nil, err
	}
	app, err := c.listen(ctx, "app", "--listen", cfg.Listen.App)
	if err != nil {
		return nil, err
	}
	c.addresses.AWS, c.addresses.App = aws.Addr().String(), app.Addr().String()

	c.stack, err = template.Load(template.Environment{
		Region: cfg.Region, AccountID: AccountID, StackName: "porchlight", Endpoint: c.AWSURL(),
	}, cfg.Template)
	if err != nil {
		return nil, err
	}
	for resourceType, reason := range template.Inert() {
		if n := len(c.stack.OfType(resourceType)); n > 0 {
			cfg.Log.Info("accepted without effect on one machine", "type", resourceType, "resources", n, "why", reason)
		}
	}
	if c.roles, err = newRoles(c.stack); err != nil {
		return nil, err
	}
	for _, start := range []func(context.Context) error{
		c.startKeys, c.startTables, c.openIoT, c.openVideo, c.startCore, c.startLambdas, c.startIoT, c.startSignIn, c.startAPI, c.startMappings,
	} {
		if err := start(ctx); err != nil {
			return nil, err
		}
	}
	c.serve(ctx, aws, c.base.Door)
	c.serve(ctx, app, c.appHandler())
	return c, nil
}

// Close stops everything, last started first.
func (c *Cloud) Close() error {
	c.cancel()
	c.running.Wait()
	var err error
	for i := len(c.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, c.closers[i]())
	}
	c.closers = nil
	return err
}

// Addresses returns what is really listened on.
func (c *Cloud) Addresses() Addresses { return c.addresses }

// AppURL is where a browser finds the app.
func (c *Cloud) AppURL() string { return "http://" + c.addresses.App }

// AWSURL is what AWS_ENDPOINT_URL has to be.
func (c *Cloud) AWSURL() string { return "http://" + c.addresses.AWS }

// Region that everything is in.
func (c *Cloud) Region() string { return c.cfg.Region }

// Output returns an output of the template.
func (c *Cloud) Output(name string) (string, error) {
	if v, ok := c.stack.Outputs[name]; ok {
		return v, nil
	}
	return "", fmt.Errorf("the template has no output %s", name)
}

// Resources tells how many resources the template has.
func (c *Cloud) Resources() int { return len(c.stack.Resources) }

// Admin returns the key pair of the account's root.
func (c *Cloud) Admin() sts.Credentials { return c.keys.Admin() }

// AddUser makes an owner's sign-in and returns the owner's id.
func (c *Cloud) AddUser(email, password string) (sub string, err error) {
	return c.signIn.AddUser(email, password)
}

// Users lists who can sign in.
func (c *Cloud) Users() ([]oidc.User, error) { return c.signIn.Users() }

// ClientID of the app at the sign-in.
func (c *Cloud) ClientID() string { return c.clientID }

// Issuer of the sign-in.
func (c *Cloud) Issuer() string { return c.AppURL() + signInPath }

// RegisterThing makes a thing with its certificate and attaches the policy
// that the template has for things. It may be called again.
func (c *Cloud) RegisterThing(name string) (iotcore.Files, error) {
	policy, err := c.Output("ThingPolicyName")
	if err != nil {
		return iotcore.Files{}, err
	}
	return c.iot.RegisterThing(name, policy)
}

// dir is the folder of one service, below the data folder.
func (c *Cloud) dir(name string) string { return filepath.Join(c.cfg.Dir, "cloud", name) }

func (c *Cloud) closing(f func() error) { c.closers = append(c.closers, f) }

func (c *Cloud) listen(ctx context.Context, what, flag, address string) (net.Listener, error) {
	// Browsers and certificates are told this address, so it must be one.
	if host, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("cannot serve the %s: %w: want host:port after %s", what, err, flag)
	} else if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return nil, fmt.Errorf("cannot serve the %s on %s: name one address of this machine, such as 127.0.0.1, after %s", what, address, flag)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot serve the %s: %w: stop what uses the port, or choose another with %s", what, err, flag)
	}
	c.closing(func() error { l.Close(); return nil })
	return l, nil
}

// serve answers on l until ctx ends.
func (c *Cloud) serve(ctx context.Context, l net.Listener, h http.Handler) {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(c.cfg.Log.Handler(), slog.LevelDebug),
	}
	c.running.Go(func() {
		if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) && ctx.Err() == nil {
			c.cfg.Log.Error("stopped serving", "address", l.Addr().String(), "error", err)
		}
	})
	c.running.Go(func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			_ = server.Close() // what has not finished by now is cut off
		}
	})
}

// decodeAll decodes the properties of every resource of a type.
func decodeAll[T any](s *template.Stack, resourceType string, use func(r *template.Resource, props T) error) error {
	for _, r := range s.OfType(resourceType) {
		var props T
		err := template.Decode(r.Properties, &props)
		if err == nil {
			err = use(r, props)
		}
		if err != nil {
			return fmt.Errorf("%s (%s): %w", r.LogicalID, r.Type, err)
		}
	}
	return nil
}

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v)
}
