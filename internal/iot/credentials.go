package iot

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// ErrCredentials is wrapped when the credentials provider gives none.
var ErrCredentials = errors.New("no role credentials")

// CredentialsConfig says where a thing gets its role credentials.
type CredentialsConfig struct {
	Endpoint  string // host:port
	RoleAlias string
	Thing     string
	TLS       *tls.Config // from LoadIdentity
}

// Credentials returns a provider of temporary credentials for the role behind
// a role alias, refreshed ahead of their expiry. Protocol:
// https://docs.aws.amazon.com/iot/latest/developerguide/authorizing-direct-aws.html.
func Credentials(cfg CredentialsConfig) (aws.CredentialsProvider, error) {
	tlsConfig, err := forEndpoint(cfg.TLS, cfg.Endpoint, "")
	if err != nil {
		return nil, err
	}
	p := &credentialsProvider{
		url:   "https://" + cfg.Endpoint + "/role-aliases/" + cfg.RoleAlias + "/credentials",
		thing: cfg.Thing,
		client: &http.Client{
			Timeout:   10 * time.Second,
			Transport: &http.Transport{TLSClientConfig: tlsConfig, DisableKeepAlives: true, TLSHandshakeTimeout: 10 * time.Second},
		},
	}
	return aws.NewCredentialsCache(p, func(o *aws.CredentialsCacheOptions) {
		o.ExpiryWindow = 5 * time.Minute
		o.ExpiryWindowJitterFrac = 0.3
	}), nil
}

type credentialsProvider struct {
	url, thing string
	client     *http.Client
}

// Retrieve implements aws.CredentialsProvider.
func (p *credentialsProvider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := p.fetch(ctx)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("%w from %s: %w", ErrCredentials, p.url, err)
	}
	return c, nil
}

func (p *credentialsProvider) fetch(ctx context.Context) (none aws.Credentials, _ error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return none, err
	}
	req.Header.Set("x-amzn-iot-thingname", p.thing)
	resp, err := p.client.Do(req)
	if err != nil {
		return none, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return none, err
	}
	if resp.StatusCode != http.StatusOK {
		return none, fmt.Errorf("%s: %.200s: check the role alias and that the thing's policy allows iot:AssumeRoleWithCertificate on it",
			resp.Status, body)
	}
	var answer struct {
		Credentials struct {
			AccessKeyID     string    `json:"accessKeyId"`
			SecretAccessKey string    `json:"secretAccessKey"`
			SessionToken    string    `json:"sessionToken"`
			Expiration      time.Time `json:"expiration"`
		} `json:"credentials"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return none, errors.New("the answer is not the JSON it should be")
	}
	c := answer.Credentials
	if c.AccessKeyID == "" || c.SecretAccessKey == "" || c.Expiration.IsZero() {
		return none, errors.New("the answer lacks a key or its expiry")
	}
	return aws.Credentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken,
		CanExpire: true, Expires: c.Expiration, Source: "IoT credentials provider",
	}, nil
}
