package iotcore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"porchlight/internal/localcloud/iam"
	"porchlight/internal/localcloud/iotcore/jobs"
	"porchlight/internal/localcloud/iotcore/pki"
	"porchlight/internal/localcloud/iotcore/provision"
	"porchlight/internal/localcloud/iotcore/registry"
	"porchlight/internal/localcloud/iotcore/shadow"
)

// Config says what to serve. All fields are required except those with a
// default and the lists.
type Config struct {
	Dir             string   // state; created when missing
	Region          string   // for ARNs
	AccountID       string   // for ARNs
	MQTTAddr        string   // host:port to listen on
	CredentialsAddr string   // host:port to listen on
	WebSocketAddr   string   // host:port to listen on for MQTT over WebSocket; empty: not served
	HTTPAddr        string   // host:port of the HTTP APIs, for DescribeEndpoint
	ServerNames     []string // names and addresses besides localhost; default none

	Policies    []PolicyProperties
	Rules       []TopicRuleProperties
	RoleAliases []RoleAliasProperties

	ProvisioningTemplates []ProvisioningTemplateProperties

	Actions       Actions
	Roles         Roles
	Account       Account          // needed for provisioning templates and WebSockets
	ActionTimeout time.Duration    // for all actions of one message; default 10 s
	Now           func() time.Time // default time.Now
	Log           *slog.Logger
}

const defaultActionTimeout = 10 * time.Second

// Core is a local AWS IoT Core. Its methods are safe for concurrent use.
type Core struct {
	cfg       Config
	log       *slog.Logger
	authority *pki.Authority
	registry  *registry.Registry
	policies  map[string]iam.Document
	aliases   map[string]RoleAliasProperties
	engine    *engine
	broker    *mqtt.Server
	account   *mqtt.Client // publishes what comes by HTTP, and answers
	shadows   *shadow.Service
	jobs      *jobs.Service
	live      live

	provisioning *provision.Service
	retries      chan struct{} // one token per last will that is tried again

	registering sync.Mutex // held while RegisterThing works on files

	ctx         context.Context //nolint:containedctx // the core's own life, ended by Close
	cancel      context.CancelFunc
	closing     sync.Once
	wg          sync.WaitGroup
	mqttAddr    string
	wsAddr      string
	credAddr    string
	credentials *http.Server
}

// New checks the configuration and opens the state. Nothing listens before
// Start.
func New(cfg Config) (*Core, error) {
	if cfg.ActionTimeout == 0 {
		cfg.ActionTimeout = defaultActionTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
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
	c.registry, err = registry.Open(registry.Config{Dir: cfg.Dir, Now: cfg.Now, Changed: c.certificateChanged})
	if err != nil {
		return nil, err
	}
	if err = c.openProvisioning(); err != nil {
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

// Start listens on all addresses. After an error nothing listens.
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
				if _, ok := c.registry.Identify(pki.Fingerprint(s.PeerCertificates[0])); ok {
					return nil
				}
			}
			return errors.New("the certificate is not registered or was revoked")
		},
	}
	listeners, err := c.listen(ctx)
	if err != nil {
		return err
	}
	mqttTLS := config.Clone()
	mqttTLS.NextProtos = []string{"x-amzn-mqtt-ca", "mqtt"}
	err = c.broker.AddListener(newListener(listeners.mqtt, mqttTLS, c.certificateOf, c.connectionEnded, c.log))
	if err == nil && listeners.webSocket != nil {
		err = c.broker.AddListener(newGateway(c, listeners.webSocket, server))
	}
	if err == nil {
		err = c.broker.Serve()
	}
	if err != nil {
		listeners.close()
		return fmt.Errorf("start the MQTT broker: %w", err)
	}
	c.startCredentials(listeners.credentials, config)
	c.wg.Go(func() { c.jobs.Run(c.ctx) })
	return nil
}

// certificateOf identifies a client by its certificate. The handshake is done,
// and demanded one.
func (c *Core) certificateOf(conn *tls.Conn) identity {
	return &certified{core: c, id: pki.Fingerprint(conn.ConnectionState().PeerCertificates[0])}
}

// MQTTAddr returns the broker's host:port once started.
func (c *Core) MQTTAddr() string { return c.mqttAddr }

// WebSocketAddr returns the host:port of MQTT over WebSocket once started.
func (c *Core) WebSocketAddr() string { return c.wsAddr }

// CredentialsAddr returns the credentials provider's host:port once started.
func (c *Core) CredentialsAddr() string { return c.credAddr }

// Close stops all listeners, cancels running actions, and returns when every
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
