// Package dynamotest starts the local cloud's DynamoDB for tests.
package dynamotest

import (
	"errors"
	"log/slog"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"porchlight/internal/localcloud/dynamo"
)

// Table returns the properties of the platform's table.
func Table() dynamo.TableProperties {
	return dynamo.TableProperties{
		TableName: "porchlight",
		AttributeDefinitions: []dynamo.AttributeDefinition{
			{AttributeName: "pk", AttributeType: "S"}, {AttributeName: "sk", AttributeType: "S"},
			{AttributeName: "gsi1pk", AttributeType: "S"}, {AttributeName: "gsi1sk", AttributeType: "S"},
		},
		KeySchema: []dynamo.KeyElement{{AttributeName: "pk", KeyType: "HASH"}, {AttributeName: "sk", KeyType: "RANGE"}},
		GlobalSecondaryIndexes: []dynamo.GlobalSecondaryIndex{{
			IndexName:  "gsi1",
			KeySchema:  []dynamo.KeyElement{{AttributeName: "gsi1pk", KeyType: "HASH"}, {AttributeName: "gsi1sk", KeyType: "RANGE"}},
			Projection: dynamo.Projection{ProjectionType: "ALL"},
		}},
		TimeToLiveSpecification: &dynamo.TimeToLive{AttributeName: "expires_at", Enabled: true},
	}
}

// NodeModules returns where npm ci installs dynalite in this repository.
func NodeModules() string {
	_, self, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(self), "..", "node", "node_modules")
}

// Start runs an empty database that ends with the test. The test is skipped
// where Node or dynalite is not installed.
func Start(t testing.TB) *dynamo.Server {
	t.Helper()
	return StartIn(t, t.TempDir())
}

// StartIn is Start with the database's files in dir.
func StartIn(t testing.TB, dir string) *dynamo.Server {
	t.Helper()
	s, err := dynamo.Start(t.Context(), dynamo.Config{
		Dir: dir, NodeModules: NodeModules(), SweepEvery: 50 * time.Millisecond,
		Log: slog.New(slog.DiscardHandler),
	})
	if errors.Is(err, dynamo.ErrNoNode) || errors.Is(err, dynamo.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}
