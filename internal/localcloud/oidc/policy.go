package oidc

import (
	"fmt"
	"strings"
	"unicode"
)

// PoolProperties is what is honored of AWS::Cognito::UserPool.
type PoolProperties struct {
	Policies struct{ PasswordPolicy PasswordPolicy }
}

// PasswordPolicy is what a new password must have.
type PasswordPolicy struct {
	MinimumLength    int // bytes; 0: 8
	RequireLowercase bool
	RequireUppercase bool
	RequireNumbers   bool
	RequireSymbols   bool
}

// maxPassword is bcrypt's limit, in bytes.
const maxPassword = 72

// check says everything that is wrong with a password.
func (p PasswordPolicy) check(password string) error {
	least := p.MinimumLength
	if least == 0 {
		least = 8
	}
	var wrong []string
	need := func(required bool, what string, is func(rune) bool) {
		if required && !strings.ContainsFunc(password, is) {
			wrong = append(wrong, what)
		}
	}
	if len(password) < least || len(password) > maxPassword {
		wrong = append(wrong, fmt.Sprintf("%d to %d characters", least, maxPassword))
	}
	need(p.RequireLowercase, "a lower-case letter", unicode.IsLower)
	need(p.RequireUppercase, "an upper-case letter", unicode.IsUpper)
	need(p.RequireNumbers, "a digit", unicode.IsDigit)
	need(p.RequireSymbols, "a symbol", func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if wrong != nil {
		return fmt.Errorf("%w: it needs %s", ErrBadPassword, strings.Join(wrong, ", "))
	}
	return nil
}
