// Package gallery keeps the persons whom a home knows by their faces, in one
// file. It holds embeddings, never pictures, and all of one model: those of
// different models do not compare.
package gallery

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"porchlight/internal/face"
	"porchlight/internal/face/match"
)

// Bounds of a gallery, far above what a home has.
const (
	MaxPersons  = 1000
	MaxPictures = 32 // of one person
	MaxName     = 64 // characters, as many as an event carries
)

// Errors of a gallery.
var (
	ErrName    = errors.New("name of a person cannot be used")
	ErrUnknown = errors.New("nobody of that name is enrolled")
	ErrFull    = errors.New("gallery is full")
	ErrModel   = errors.New("gallery was made with another model")
)

// Gallery is the enrolled persons. It never changes, so that it may be used
// from several goroutines: With and Without make another one.
type Gallery struct {
	model   face.Model // of no name when there is nobody
	persons []Person   // by name
	index   *match.Index
}

// Person is an enrolled person.
type Person struct {
	Name     string
	Enrolled time.Time // first
	Pictures []face.Embedding
}

// Empty returns the gallery of nobody.
func Empty() *Gallery { return &Gallery{} }

// Of returns the gallery of persons that are kept elsewhere than in a file, in
// any order. Errors are ErrName, ErrFull and those of face.Mean; embeddings of
// several models are face.ErrOtherModel.
func Of(persons []Person) (*Gallery, error) {
	persons = slices.Clone(persons)
	slices.SortFunc(persons, func(a, b Person) int { return strings.Compare(a.Name, b.Name) })
	if len(persons) > MaxPersons {
		return nil, fmt.Errorf("%w: it has %d persons, the most is %d", ErrFull, len(persons), MaxPersons)
	}
	for i, p := range persons {
		if err := CheckName(p.Name); err != nil {
			return nil, err
		}
		if n := len(p.Pictures); n < 1 || n > MaxPictures {
			return nil, fmt.Errorf("%w: %s has %d pictures: want 1 to %d", ErrFull, p.Name, n, MaxPictures)
		}
		if i > 0 && persons[i-1].Name == p.Name {
			return nil, fmt.Errorf("%w: two persons are called %q", ErrName, p.Name)
		}
	}
	return build(persons)
}

// Persons returns who is enrolled, by name. The caller does not change the
// embeddings.
func (g *Gallery) Persons() []Person { return slices.Clone(g.persons) }

// Model is the model of all embeddings; ok is false when there are none.
func (g *Gallery) Model() (m face.Model, ok bool) { return g.model, len(g.persons) > 0 }

// Current returns the gallery, which makes it a Source.
func (g *Gallery) Current() (*Gallery, error) { return g, nil }

// Accepts reports, as ErrModel with the cure, that embeddings of a model do not
// go with those of the gallery.
func (g *Gallery) Accepts(m face.Model) error {
	have, some := g.Model()
	switch {
	case !some || have.Same(m):
		return nil
	case have.Name == m.Name:
		return fmt.Errorf("%w: %s with other files (SHA-256 %.8s…, now %.8s…): bring the files back, or remove everybody and enroll again",
			ErrModel, m.Name, have.SHA256, m.SHA256)
	}
	return fmt.Errorf("%w, %s, and its faces do not compare with those of %s: use that model, or remove everybody and enroll again",
		ErrModel, have.Name, m.Name)
}

// With returns the gallery with pictures of a person added, who may be in it
// already. Errors are ErrName, ErrFull, ErrModel and those of face.Mean.
func (g *Gallery) With(name string, pictures []face.Embedding, now time.Time) (*Gallery, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	if len(pictures) == 0 {
		return nil, fmt.Errorf("%w: %s has no picture", face.ErrEmbedding, name)
	}
	for _, e := range pictures {
		if err := g.Accepts(e.Model); err != nil {
			return nil, err
		}
	}
	persons := g.Persons()
	at, known := find(persons, name)
	if !known {
		persons = slices.Insert(persons, at, Person{Name: name, Enrolled: now.UTC().Truncate(time.Second)})
	}
	p := &persons[at]
	p.Pictures = slices.Concat(p.Pictures, pictures)
	switch {
	case len(p.Pictures) > MaxPictures:
		return nil, fmt.Errorf("%w: %s would have %d pictures, the most is %d: remove the person and enroll the best ones",
			ErrFull, name, len(p.Pictures), MaxPictures)
	case len(persons) > MaxPersons:
		return nil, fmt.Errorf("%w: it has %d persons: remove one", ErrFull, MaxPersons)
	}
	return build(persons)
}

// Without returns the gallery without a person and all that was known of the
// person's face, or ErrUnknown.
func (g *Gallery) Without(name string) (*Gallery, error) {
	persons := g.Persons()
	at, known := find(persons, name)
	if !known {
		return nil, fmt.Errorf("%w: %q: \"porchlight faces list\" shows who is", ErrUnknown, name)
	}
	return build(slices.Delete(persons, at, at+1))
}

// Nearest finds the persons whose faces are nearest, each by the mean of the
// pictures. Errors are ErrModel and those of match.Index.
func (g *Gallery) Nearest(e face.Embedding) (match.Result, error) {
	if len(g.persons) == 0 {
		nobody := match.Match{Distance: 2}
		return match.Result{Best: nobody, Second: nobody}, nil
	}
	if err := g.Accepts(e.Model); err != nil {
		return match.Result{}, err
	}
	return g.index.Nearest(e)
}

func build(persons []Person) (*Gallery, error) {
	if len(persons) == 0 {
		return Empty(), nil
	}
	g := &Gallery{persons: persons, model: persons[0].Pictures[0].Model}
	var err error
	if g.index, err = match.New(g.model, len(persons)); err != nil {
		return nil, err
	}
	for _, p := range persons {
		mean, err := face.Mean(p.Pictures)
		if err == nil {
			err = g.index.Add(p.Name, mean)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return g, nil
}

func find(persons []Person, name string) (int, bool) {
	return slices.BinarySearchFunc(persons, name, func(p Person, name string) int { return strings.Compare(p.Name, name) })
}

// CheckName reports, as ErrName, what cannot be a person's name.
func CheckName(name string) error {
	odd := strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
	if n := utf8.RuneCountInString(name); n < 1 || n > MaxName || odd || !utf8.ValidString(name) || strings.TrimSpace(name) != name {
		return fmt.Errorf("%w: %.80q: want 1 to %d printable characters, no space at either end", ErrName, name, MaxName)
	}
	return nil
}
