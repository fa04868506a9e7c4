package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"porchlight/internal/event"
	"porchlight/internal/localcloud"
	"porchlight/internal/localcloud/oidc/oidctest"
	"porchlight/internal/onemachine"
)

const ownerEmail = "owner@bench.local"

// loopback takes free ports.
func loopback() localcloud.Addresses {
	const free = "127.0.0.1:0"
	return localcloud.Addresses{App: free, AWS: free, MQTT: free, Credentials: free}
}

// openCloud opens a local cloud of its own below the bench's folder, with one
// owner, and returns the owner's id and a signed-in API.
func (b *bench) openCloud(ctx context.Context, name string, log *slog.Logger) (_ *localcloud.Cloud, sub string, _ *api, err error) {
	text, err := os.ReadFile(b.install.Template)
	if err != nil {
		return nil, "", nil, fmt.Errorf("%w: build Porchlight first, with: make build", err)
	}
	cloud, err := localcloud.Open(ctx, localcloud.Config{
		Dir: filepath.Join(b.data, name), Template: text, Lambdas: b.install.Lambdas, NodeModules: b.install.NodeModules,
		App: os.DirFS(b.install.App), Listen: loopback(), Log: log,
	})
	if err != nil {
		return nil, "", nil, err
	}
	password := onemachine.NewPassword()
	if sub, err = cloud.AddUser(ownerEmail, password); err == nil {
		var owner *api
		if owner, err = signIn(ctx, cloud.AppURL(), cloud.Issuer(), cloud.ClientID(), password); err == nil {
			return cloud, sub, owner, nil
		}
	}
	return nil, "", nil, errors.Join(err, cloud.Close())
}

// api is the HTTP API as the owner's app calls it.
type api struct {
	origin, token string
	client        *http.Client
}

func signIn(ctx context.Context, origin, issuer, clientID, password string) (*api, error) {
	app := oidctest.App{Issuer: issuer, ClientID: clientID, RedirectURL: origin + "/"}
	tokens, err := app.SignIn(ctx, ownerEmail, password)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return &api{origin: origin, token: tokens.Access, client: &http.Client{}}, nil
}

// events gets one page of events, newest first, and the cursor of the next.
func (a *api) events(ctx context.Context, query url.Values) ([]event.Event, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.origin+"/v1/events?"+query.Encode(), nil)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	res, err := a.client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, "", err
	}
	if res.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("GET /v1/events: %s: %s", res.Status, body)
	}
	var page struct {
		Events     []event.Event `json:"events"`
		NextCursor string        `json:"next_cursor"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, "", fmt.Errorf("GET /v1/events: %w", err)
	}
	return page.Events, page.NextCursor, nil
}
