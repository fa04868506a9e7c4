package iotcore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"porchlight/internal/localcloud/iam"
	"porchlight/internal/localcloud/iotcore/pki"
)

// Roles knows the account's roles.
type Roles interface {
	// TrustPolicy returns the AssumeRolePolicyDocument of a role.
	TrustPolicy(roleARN string) (iam.Document, bool)
	// IssueCredentials makes temporary credentials of a role whose policies are
	// then evaluated with the given variables.
	IssueCredentials(ctx context.Context, roleARN, sessionName string, variables map[string]string, life time.Duration) (Credentials, error)
}

// Credentials are temporary.
type Credentials struct {
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey"`
	SessionToken    string    `json:"sessionToken"`
	Expiration      time.Time `json:"expiration"`
}

// Bounds of CredentialDurationSeconds.
const (
	minCredentialLife     = 900
	maxCredentialLife     = 43200
	defaultCredentialLife = 3600
)

// credentialsPrincipal is whom a role must trust.
const credentialsPrincipal = "credentials.iot.amazonaws.com"

func (c *Core) addAlias(a RoleAliasProperties) error {
	if a.CredentialDurationSeconds == 0 {
		a.CredentialDurationSeconds = defaultCredentialLife
	}
	_, twice := c.aliases[a.RoleAlias]
	switch {
	case a.RoleAlias == "" || twice:
		return fmt.Errorf("role alias %q: want one name each, and not an empty one", a.RoleAlias)
	case a.RoleArn == "":
		return fmt.Errorf("role alias %s: it has no RoleArn", a.RoleAlias)
	case a.CredentialDurationSeconds < minCredentialLife || a.CredentialDurationSeconds > maxCredentialLife:
		return fmt.Errorf("role alias %s: CredentialDurationSeconds %d is not within %d to %d", a.RoleAlias, a.CredentialDurationSeconds, minCredentialLife, maxCredentialLife)
	}
	c.aliases[a.RoleAlias] = a
	return nil
}

func (c *Core) startCredentials(l net.Listener, config *tls.Config) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /role-aliases/{alias}/credentials", c.serveCredentials)
	config = config.Clone()
	config.NextProtos = []string{"h2", "http/1.1"}
	c.credentials = &http.Server{
		Handler:           mux,
		TLSConfig:         config,
		ReadHeaderTimeout: handshakeTimeout,
		ReadTimeout:       handshakeTimeout,
		WriteTimeout:      c.cfg.ActionTimeout + writeTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(c.log.With("server", "credentials provider").Handler(), slog.LevelInfo),
	}
	c.wg.Add(1)
	go func() {
		defer c.wg.Done()
		if err := c.credentials.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
			c.log.Error("the credentials provider stopped", "error", err)
		}
	}()
}

// serveCredentials answers as described in "Authorizing direct calls to AWS
// services using AWS IoT Core credential provider" of the developer guide.
func (c *Core) serveCredentials(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, text, why string) {
		c.log.Warn("credentials refused", "alias", r.PathValue("alias"), "remote", r.RemoteAddr, "reason", why)
		writeJSON(w, status, map[string]string{"message": text})
	}
	fingerprint := pki.Fingerprint(r.TLS.PeerCertificates[0])
	who, ok := c.registry.Identify(fingerprint) // again: it may have been revoked since the handshake
	if !ok {
		refuse(http.StatusForbidden, "Access denied", "the certificate is not registered or was revoked")
		return
	}
	// Without the header there is no thing, and no policy variable of it.
	name := r.Header.Get("X-Amzn-Iot-Thingname")
	if name != "" && !who.IsAttached(name) {
		refuse(http.StatusForbidden, "Access denied", "the certificate is not attached to the thing in x-amzn-iot-thingname")
		return
	}
	alias, ok := c.aliases[r.PathValue("alias")]
	if !ok {
		refuse(http.StatusNotFound, "Role alias does not exist", "unknown role alias")
		return
	}
	aliasARN := c.arn("rolealias", alias.RoleAlias)
	if d := (&certified{core: c, id: fingerprint}).allowed(name, "iot:AssumeRoleWithCertificate", aliasARN, nil); !d.Allowed {
		refuse(http.StatusForbidden, "Access denied", "iot:AssumeRoleWithCertificate on the role alias: "+d.Reason)
		return
	}
	trust, ok := c.cfg.Roles.TrustPolicy(alias.RoleArn)
	if !ok || !iam.Evaluate([]iam.Document{trust}, iam.Request{
		Action: "sts:AssumeRole", Resource: alias.RoleArn, Principal: credentialsPrincipal,
		Variables: map[string]string{"aws:SourceAccount": c.cfg.AccountID, "aws:SourceArn": aliasARN},
	}).Allowed {
		refuse(http.StatusForbidden, "Access denied", "the role does not exist or does not trust "+credentialsPrincipal)
		return
	}
	variables := map[string]string{"credentials-iot:AwsCertificateId": fingerprint}
	if name != "" {
		variables["credentials-iot:ThingName"] = name
	}
	ctx, cancel := context.WithTimeout(r.Context(), c.cfg.ActionTimeout)
	defer cancel()
	creds, err := c.cfg.Roles.IssueCredentials(ctx, alias.RoleArn, fingerprint, variables, time.Duration(alias.CredentialDurationSeconds)*time.Second)
	if err != nil {
		c.log.Error("credentials could not be issued", "alias", alias.RoleAlias, "thing", name, "error", err)
		writeJSON(w, http.StatusInternalServerError, map[string]string{"message": "Internal failure"})
		return
	}
	creds.Expiration = creds.Expiration.UTC().Truncate(time.Second)
	writeJSON(w, http.StatusOK, map[string]Credentials{"credentials": creds})
}
