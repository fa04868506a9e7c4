package secrets

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:cursor-AbCdEf"

func value(t *testing.T, s *Store, id string) string {
	t.Helper()
	r := httptest.NewRequest("POST", "/", strings.NewReader(`{"SecretId":"`+id+`"}`))
	r.Header.Set("X-Amz-Target", "secretsmanager.GetSecretValue")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	require.Equal(t, 200, w.Code, w.Body.String())
	var out struct{ SecretString, ARN string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out))
	require.Equal(t, arn, out.ARN)
	return out.SecretString
}

func TestSecretIsMadeOnceAndKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	p := Properties{GenerateSecretString: &Generate{PasswordLength: 64}}
	s, err := Open(Config{Dir: dir})
	require.NoError(t, err)
	require.NoError(t, s.Provision(arn, "cursor", p))
	first := value(t, s, arn)
	require.Len(t, first, 64)
	require.NoError(t, s.Provision(arn, "cursor", p))

	again, err := Open(Config{Dir: dir})
	require.NoError(t, err)
	require.NoError(t, again.Provision(arn, "cursor", p))
	for _, id := range []string{arn, "cursor", strings.TrimSuffix(arn, "-AbCdEf")} {
		require.Equal(t, first, value(t, again, id), id)
		require.Equal(t, arn, again.ARN(id))
	}
	require.Equal(t, "other", again.ARN("other"))
	info, err := os.Stat(filepath.Join(dir, "secrets.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir})
	require.NoError(t, err)
	require.ErrorIs(t, s.Provision(arn, "cursor", Properties{}), ErrNoValue)
	for op, says := range map[string]string{"GetSecretValue": "ResourceNotFoundException", "DeleteSecret": "does not offer"} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(`{"SecretId":"nope"}`))
		r.Header.Set("X-Amz-Target", "secretsmanager."+op)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		require.Equal(t, 400, w.Code)
		require.Contains(t, w.Body.String(), says)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secrets.json"), []byte("{"), 0o600))
	_, err = Open(Config{Dir: dir})
	require.ErrorContains(t, err, "is damaged")
}

func TestGenerate(t *testing.T) {
	no := false
	for name, c := range map[string]struct {
		g       Generate
		pattern string
	}{
		"default":        {Generate{}, `^[!-~]{32}$`},
		"no punctuation": {Generate{PasswordLength: 40, ExcludePunctuation: true}, `^[0-9A-Za-z]{40}$`},
		"digits only": {Generate{ExcludeLowercase: true, ExcludeUppercase: true, ExcludePunctuation: true, ExcludeCharacters: "01",
			RequireEachIncludedType: &no}, `^[2-9]{32}$`},
		"inside JSON": {Generate{SecretStringTemplate: `{"user":"a"}`, GenerateStringKey: "key", ExcludePunctuation: true},
			`^\{"key":"[0-9A-Za-z]{32}","user":"a"\}$`},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := c.g.value()
			require.NoError(t, err)
			require.Regexp(t, c.pattern, a)
			b, err := c.g.value()
			require.NoError(t, err)
			require.NotEqual(t, a, b)
		})
	}
	for name, g := range map[string]Generate{
		"nothing left": {ExcludeLowercase: true, ExcludeUppercase: true, ExcludeNumbers: true, ExcludePunctuation: true},
		"too short":    {PasswordLength: 3},
		"no key":       {SecretStringTemplate: `{}`},
		"no template":  {GenerateStringKey: "k"},
	} {
		_, err := g.value()
		require.Error(t, err, name)
	}
}
