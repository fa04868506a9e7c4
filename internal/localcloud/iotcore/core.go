package iotcore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"porchlight/internal/localcloud/iam"
	"porchlight/internal/localcloud/iotcore/jobs"
	"porchlight/internal/localcloud/iotcore/pki"
	"porchlight/internal/localcloud/iotcore/shadow"
)

// Config says what to serve. All fields are required except those with a
// default.
type Config struct {
	Dir             string   // state; created when missing
	Region          string   // for ARNs
	AccountID       string   // for ARNs
	MQTTAddr        string   // host:port to listen on
	CredentialsAddr string   // host:port to listen on
	ServerNames     []string // names and addresses besides localhost; default none

	Policies    []PolicyProperties
	Rules       []TopicRuleProperties
	RoleAliases []RoleAliasProperties

	Actions       Actions
	Roles         Roles
	ActionTimeout time.Duration // for all actions of one message; default 10 s
	Log           *slog.Logger
}

const defaultActionTimeout = 10 * time.Second

// Core is a local AWS IoT Core. Its methods are safe for concurrent use.
type Core struct {
	cfg       Config
	log       *slog.Logger
	authority *pki.Authority
	registry  *registry
	policies  map[string]iam.Document
	aliases   map[string]RoleAliasProperties
	engine    *engine
	broker    *mqtt.Server
	account   *mqtt.Client // publishes what comes by HTTP, and answers
	shadows   *shadow.Service
	jobs      *jobs.Service
	live      live
	retries   chan struct{} // one token per last will that is tried again

	ctx         context.Context //nolint:containedctx // the core's own life, ended by Close
	cancel      context.CancelFunc
	closing     sync.Once
	wg          sync.WaitGroup
	mqttAddr    string
	credAddr    string
	credentials *http.Server
}

// New checks the configuration and opens the state. Nothing listens before
// Start.
func New(cfg Config) (*Core, error) {
	if cfg.ActionTimeout == 0 {
		cfg.ActionTimeout = defaultActionTimeout
	}
	c := &Core{
		cfg: cfg, log: cfg.Log,
		policies: map[string]iam.Document{},
		aliases:  map[string]RoleAliasProperties{},
		engine:   &engine{actions: cfg.Actions, log: cfg.Log},
		live:     live{conns: map[string]*clientConn{}},
		retries:  make(chan struct{}, maxRetries),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	for _, p := range cfg.Policies {
		if _, twice := c.policies[p.PolicyName]; twice || p.PolicyName == "" {
			return nil, fmt.Errorf("iot policy %q: want one name each, and not an empty one", p.PolicyName)
		}
		c.policies[p.PolicyName] = p.PolicyDocument
	}
	for _, r := range cfg.Rules {
		if err := c.engine.add(c.arn("rule", r.RuleName), r); err != nil {
			return nil, err
		}
	}
	for _, a := range cfg.RoleAliases {
		if err := c.addAlias(a); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the IoT state folder: %w", err)
	}
	var err error
	if c.authority, err = pki.Open(filepath.Join(cfg.Dir, "pki")); err != nil {
		return nil, err
	}
	if c.registry, err = openRegistry(cfg.Dir, c.authority); err != nil {
		return nil, err
	}
	if c.broker, err = newBroker(&hook{core: c}); err != nil {
		return nil, fmt.Errorf("make the MQTT broker: %w", err)
	}
	c.account = c.broker.NewClient(nil, "account", "", true)
	if err = c.openThingServices(); err != nil {
		return nil, err
	}
	return c, nil
}

// Start listens on both addresses. After an error nothing listens.
func (c *Core) Start(ctx context.Context) error {
	server, err := c.authority.Server(c.cfg.ServerNames...)
	if err != nil {
		return err
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{server},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    c.authority.Pool(),
		MinVersion:   tls.VersionTLS12,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) > 0 {
				if _, ok := c.identify(pki.Fingerprint(s.PeerCertificates[0])); ok {
					return nil
				}
			}
			return errors.New("the certificate is not registered or was revoked")
		},
	}
	var lc net.ListenConfig
	mqttListener, err := lc.Listen(ctx, "tcp", c.cfg.MQTTAddr)
	if err != nil {
		return fmt.Errorf("listen for MQTT (is another broker running?): %w", err)
	}
	credListener, err := lc.Listen(ctx, "tcp", c.cfg.CredentialsAddr)
	if err != nil {
		mqttListener.Close()
		return fmt.Errorf("listen for the credentials provider: %w", err)
	}
	c.mqttAddr, c.credAddr = mqttListener.Addr().String(), credListener.Addr().String()

	mqttTLS := config.Clone()
	mqttTLS.NextProtos = []string{"x-amzn-mqtt-ca", "mqtt"}
	err = c.broker.AddListener(newListener(mqttListener, mqttTLS, c.connectionEnded, c.log))
	if err == nil {
		err = c.broker.Serve()
	}
	if err != nil {
		mqttListener.Close()
		credListener.Close()
		return fmt.Errorf("start the MQTT broker: %w", err)
	}
	c.startCredentials(credListener, config)
	c.wg.Go(func() { c.jobs.Run(c.ctx) })
	return nil
}

// MQTTAddr returns the broker's host:port once started.
func (c *Core) MQTTAddr() string { return c.mqttAddr }

// CredentialsAddr returns the credentials provider's host:port once started.
func (c *Core) CredentialsAddr() string { return c.credAddr }

// RegisterThing makes a thing with exactly these policies and returns the files
// it connects with. A thing that is already registered keeps its certificate.
// Connected clients keep the policies they connected with.
func (c *Core) RegisterThing(name string, policies ...string) (Files, error) {
	for _, p := range policies {
		if _, ok := c.policies[p]; !ok {
			return Files{}, fmt.Errorf("register thing %s: there is no IoT policy %q", name, p)
		}
	}
	return c.registry.register(name, policies)
}

// RevokeThing ends the use of all certificates of a thing, connected clients
// included. Registering it again issues a new one.
func (c *Core) RevokeThing(name string) error {
	if err := c.registry.revoke(name); err != nil {
		return err
	}
	for _, conn := range c.live.of(name) {
		c.disconnect(conn, packets.ErrAdministrativeAction, "certificate revoked")
	}
	return nil
}

// Close stops both listeners, cancels running actions, and returns when every
// goroutine has ended. Messages that were in the making are not acknowledged.
func (c *Core) Close() error {
	var errs []error
	c.closing.Do(func() {
		c.cancel()
		if c.credentials != nil {
			errs = append(errs, c.credentials.Close())
		}
		errs = append(errs, c.broker.Close())
	})
	c.wg.Wait()
	errs = append(errs, c.shadows.Close(), c.jobs.Close())
	return errors.Join(errs...)
}
