package secrets

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

const (
	lower       = "abcdefghijklmnopqrstuvwxyz"
	upper       = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits      = "0123456789"
	punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
	maxLength   = 4096
)

// Generate is the GenerateSecretString property.
type Generate struct {
	PasswordLength          int // 32 when 0
	ExcludeCharacters       string
	ExcludeLowercase        bool
	ExcludeUppercase        bool
	ExcludeNumbers          bool
	ExcludePunctuation      bool
	IncludeSpace            bool
	RequireEachIncludedType *bool // true when absent
	SecretStringTemplate    string
	GenerateStringKey       string
}

// value makes the secret: a password, or a JSON object with one in it.
func (g Generate) value() (string, error) {
	password, err := g.password()
	if err != nil {
		return "", err
	}
	if g.SecretStringTemplate == "" && g.GenerateStringKey == "" {
		return password, nil
	}
	fields := map[string]any{}
	if err := json.Unmarshal([]byte(g.SecretStringTemplate), &fields); err != nil {
		return "", fmt.Errorf("SecretStringTemplate: %w", err)
	}
	if g.GenerateStringKey == "" {
		return "", errors.New("SecretStringTemplate needs GenerateStringKey")
	}
	fields[g.GenerateStringKey] = password
	raw, err := json.Marshal(fields)
	return string(raw), err
}

func (g Generate) password() (string, error) {
	length := g.PasswordLength
	if length == 0 {
		length = 32
	}
	var classes []string
	for _, c := range []struct {
		out   bool
		chars string
	}{{g.ExcludeLowercase, lower}, {g.ExcludeUppercase, upper}, {g.ExcludeNumbers, digits},
		{g.ExcludePunctuation, punctuation}, {!g.IncludeSpace, " "}} {
		kept := strings.Map(func(r rune) rune {
			if strings.ContainsRune(g.ExcludeCharacters, r) {
				return -1
			}
			return r
		}, c.chars)
		if !c.out && kept != "" {
			classes = append(classes, kept)
		}
	}
	all := strings.Join(classes, "")
	if all == "" || length < len(classes) || length > maxLength {
		return "", fmt.Errorf("GenerateSecretString: no password of %d characters can be made from %d kinds of character", length, len(classes))
	}
	every := g.RequireEachIncludedType == nil || *g.RequireEachIncludedType
	for {
		b := make([]byte, length)
		for i := range b {
			n, err := rand.Int(rand.Reader, big.NewInt(int64(len(all))))
			if err != nil {
				return "", err
			}
			b[i] = all[n.Int64()]
		}
		if !every || hasEach(string(b), classes) {
			return string(b), nil
		}
	}
}

func hasEach(s string, classes []string) bool {
	for _, c := range classes {
		if !strings.ContainsAny(s, c) {
			return false
		}
	}
	return true
}
