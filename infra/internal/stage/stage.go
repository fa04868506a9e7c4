// Package stage reads what differs from one deployment to the next out of the
// CDK context. It knows nothing of the CDK itself.
package stage

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ErrInvalid is wrapped by every error of Parse.
var ErrInvalid = errors.New("invalid context")

// Prefix starts every context key of ours.
const Prefix = "porchlight:"

// The context keys.
const (
	KeyStage        = Prefix + "stage"
	KeyRetain       = Prefix + "retain"
	KeyLogDays      = Prefix + "log-days"
	KeyEventDays    = Prefix + "event-days"
	KeyCallbackURLs = Prefix + "callback-urls"
	KeyDomainPrefix = Prefix + "domain-prefix"
	KeyLambdas      = Prefix + "lambdas"
	KeyFaces        = Prefix + "faces"
	KeyFacesOwner   = Prefix + "faces-default-owner"
	KeyRekognition  = Prefix + "rekognition"
	KeyCooldown     = Prefix + "rekognition-cooldown"
)

var keys = []string{
	KeyStage, KeyRetain, KeyLogDays, KeyEventDays, KeyCallbackURLs, KeyDomainPrefix, KeyLambdas, KeyFaces, KeyFacesOwner, KeyRekognition, KeyCooldown,
}

// LogDaysAllowed are the retention periods, in days, that Parse accepts, a
// subset of those CloudWatch Logs knows.
var LogDaysAllowed = []int{1, 3, 7, 14, 30, 90, 180, 365}

// Stage is one deployment of the platform.
type Stage struct {
	// Name is part of physical names: lower-case letters and digits, starting
	// with a letter, at most 12. Default "prod".
	Name string
	// Retain keeps the table, the bucket, the user pool and the secret when
	// the stack is deleted, and protects them from deletion. Default: true for
	// prod, false otherwise.
	Retain bool
	// LogDays is how long logs are kept, one of LogDaysAllowed. Default 30.
	LogDays int
	// EventDays is how long events and their thumbnails are kept, 1..3650.
	// Default 30.
	EventDays int
	// CallbackURLs are where the app is served; signing in and out returns
	// there. https, or http on localhost. Default http://localhost:8080/.
	CallbackURLs []string
	// DomainPrefix of the hosted sign-in page, unique in the region. Empty:
	// the stack derives one from the stage and the account id.
	DomainPrefix string
	// Lambdas is the folder that holds <name>/bootstrap of every Lambda, built
	// for arm64. Default ../bin/lambdas-arm64, relative to infra/.
	Lambdas string
	// Faces makes the recognition of faces. Default true.
	Faces bool
	// FacesDefaultOwner is whose persons a request about a face is compared with
	// when its sender is no provisioned device: the sub of a sign-in. Empty, the
	// default, refuses such requests.
	FacesDefaultOwner string
	// Rekognition has the pictures of alerts looked at by Amazon Rekognition,
	// which is paid for by the picture. Default false.
	Rekognition bool
	// CooldownSeconds is how long after one picture the next of the same camera
	// is looked at, 1..86400. Default 60.
	CooldownSeconds int
}

var (
	nameForm   = regexp.MustCompile(`^[a-z][a-z0-9]{0,11}$`)
	domainForm = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
)

// Parse reads a Stage from the context. Keys that do not start with Prefix
// belong to the CDK and are left alone; an unknown one that does is an error.
// Numbers, booleans and lists may also be given as text, lists with commas,
// as the command line does.
func Parse(context map[string]any) (Stage, error) {
	for key := range context {
		if strings.HasPrefix(key, Prefix) && !slices.Contains(keys, key) {
			return Stage{}, fmt.Errorf("%w: unknown key %q: the keys are %s", ErrInvalid, key, strings.Join(keys, ", "))
		}
	}
	r := reader{context: context}
	s := Stage{Name: r.text(KeyStage, "prod")}
	s.Retain = r.boolean(KeyRetain, s.Name == "prod")
	s.LogDays = r.number(KeyLogDays, 30)
	s.EventDays = r.number(KeyEventDays, 30)
	s.CallbackURLs = r.list(KeyCallbackURLs, []string{"http://localhost:8080/"})
	s.DomainPrefix = r.text(KeyDomainPrefix, "")
	s.Lambdas = r.text(KeyLambdas, "../bin/lambdas-arm64")
	s.Faces = r.boolean(KeyFaces, true)
	s.FacesDefaultOwner = r.text(KeyFacesOwner, "")
	s.Rekognition = r.boolean(KeyRekognition, false)
	s.CooldownSeconds = r.number(KeyCooldown, 60)
	if r.err != nil {
		return Stage{}, r.err
	}
	return s, s.validate()
}

func (s Stage) validate() error {
	switch {
	case !nameForm.MatchString(s.Name):
		return fmt.Errorf("%w: %s %q: use lower-case letters and digits, a letter first, at most 12", ErrInvalid, KeyStage, s.Name)
	case !slices.Contains(LogDaysAllowed, s.LogDays):
		return fmt.Errorf("%w: %s %d: use one of %v", ErrInvalid, KeyLogDays, s.LogDays, LogDaysAllowed)
	case s.EventDays < 1 || s.EventDays > 3650:
		return fmt.Errorf("%w: %s %d: use 1 to 3650", ErrInvalid, KeyEventDays, s.EventDays)
	case s.CooldownSeconds < 1 || s.CooldownSeconds > 86400:
		return fmt.Errorf("%w: %s %d: use 1 to 86400 seconds", ErrInvalid, KeyCooldown, s.CooldownSeconds)
	case len(s.CallbackURLs) == 0:
		return fmt.Errorf("%w: %s: give at least one address", ErrInvalid, KeyCallbackURLs)
	case len(s.FacesDefaultOwner) > 256:
		return fmt.Errorf("%w: %s of %d bytes: use the sub of a sign-in", ErrInvalid, KeyFacesOwner, len(s.FacesDefaultOwner))
	case s.DomainPrefix != "" && !domainForm.MatchString(s.DomainPrefix):
		return fmt.Errorf("%w: %s %q: use lower-case letters, digits and inner hyphens, at most 63", ErrInvalid, KeyDomainPrefix, s.DomainPrefix)
	}
	for _, text := range s.CallbackURLs {
		u, err := url.Parse(text)
		local := err == nil && u.Scheme == "http" && u.Hostname() == "localhost"
		if err != nil || u.Host == "" || u.Fragment != "" || (u.Scheme != "https" && !local) {
			return fmt.Errorf("%w: %s %q: use an https address, or http on localhost, without a fragment", ErrInvalid, KeyCallbackURLs, text)
		}
	}
	return nil
}

// reader takes values out of the context and keeps the first error.
type reader struct {
	context map[string]any
	err     error
}

func (r *reader) fail(key string, value any, want string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s %v: use %s", ErrInvalid, key, value, want)
	}
}

func (r *reader) text(key, otherwise string) string {
	switch v := r.context[key].(type) {
	case nil:
		return otherwise
	case string:
		return v
	default:
		r.fail(key, v, "text")
		return ""
	}
}

func (r *reader) boolean(key string, otherwise bool) bool {
	switch v := r.context[key].(type) {
	case nil:
		return otherwise
	case bool:
		return v
	case string:
		if b, err := strconv.ParseBool(v); err == nil {
			return b
		}
	}
	r.fail(key, r.context[key], "true or false")
	return false
}

func (r *reader) number(key string, otherwise int) int {
	switch v := r.context[key].(type) {
	case nil:
		return otherwise
	case float64:
		if v == float64(int(v)) {
			return int(v)
		}
	case string:
		if n, err := strconv.Atoi(v); err == nil {
			return n
		}
	}
	r.fail(key, r.context[key], "a whole number")
	return 0
}

func (r *reader) list(key string, otherwise []string) []string {
	switch v := r.context[key].(type) {
	case nil:
		return otherwise
	case string:
		return strings.Split(v, ",")
	case []any:
		var texts []string
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				r.fail(key, v, "a list of texts")
				return nil
			}
			texts = append(texts, text)
		}
		return texts
	}
	r.fail(key, r.context[key], "a list of texts")
	return nil
}
