// Package gallery keeps the persons whom an owner knows by their faces in the
// platform's table, one item for each:
//
//	pk OWNER#<sub>  sk FACE#<name>  embeddings, their model, when enrolled, version
//
// It holds embeddings, never pictures. Every write is a single conditional
// write of one person's item; every read is by the owner's partition, so that
// nobody is compared with another owner's persons.
package gallery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/face/gallery"
)

// Errors of a gallery, beside those of package face/gallery.
var (
	ErrOwner    = errors.New("not an owner")
	ErrReserved = errors.New("name is reserved for an answer")
	ErrConflict = errors.New("the gallery is being changed by somebody else: try again")
	ErrItem     = errors.New("item of a person cannot be used")
	ErrChange   = errors.New("a gallery in the table is changed by one person at a time")
)

// maxItem bounds what is stored of one person, in bytes: DynamoDB's 400 KB
// with room for the rest of the item.
const maxItem = 380 << 10

// API is the part of DynamoDB that a gallery uses.
type API interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// Config says which table to use.
type Config struct {
	API   API
	Table string
}

// Galleries are those of all owners. It is safe for concurrent use.
type Galleries struct {
	api   API
	table *string
}

// New returns the galleries in an existing table.
func New(cfg Config) *Galleries { return &Galleries{api: cfg.API, table: aws.String(cfg.Table)} }

// CheckName reports, as ErrReserved, a name that would be taken for an answer
// about nobody, and otherwise what face/gallery's CheckName does.
func CheckName(name string) error {
	for _, answer := range []string{event.ResultUnknown, event.ResultNoFace, event.ResultInvalidImage, event.ResultUnauthorized} {
		if strings.EqualFold(name, answer) {
			return fmt.Errorf("%w: %q: choose another", ErrReserved, name)
		}
	}
	return gallery.CheckName(name)
}

// Gallery returns an owner's persons, all of them or, where a model is given,
// those whose embeddings are of it; others is how many there are of other
// models. Errors are ErrOwner, ErrItem, those of gallery.Of and of reading.
func (g *Galleries) Gallery(ctx context.Context, owner string, of *face.Model) (found *gallery.Gallery, others int, err error) {
	stored, err := g.read(ctx, owner)
	if err != nil {
		return nil, 0, err
	}
	var persons []gallery.Person
	for _, p := range stored {
		if of != nil && !p.model.Same(*of) {
			others++
			continue
		}
		persons = append(persons, p.Person)
	}
	found, err = gallery.Of(persons)
	return found, others, err
}

// tries is how often a change is made anew because somebody else was faster.
const tries = 8

// Update replaces an owner's gallery by what change makes of it, which may add
// or change one person; Remove removes one. Errors are those of Gallery and of
// change, ErrChange when it did more, ErrReserved, gallery.ErrFull when the
// person has become too large, ErrConflict and those of writing.
func (g *Galleries) Update(ctx context.Context, owner string, change func(*gallery.Gallery) (*gallery.Gallery, error)) error {
	for try := range tries {
		if try > 0 {
			if err := pause(ctx, try); err != nil {
				return err
			}
		}
		stored, err := g.read(ctx, owner)
		if err != nil {
			return err
		}
		before, err := gallery.Of(bare(stored))
		if err != nil {
			return err
		}
		after, err := change(before)
		if err != nil {
			return err
		}
		written, err := g.apply(ctx, owner, stored, after)
		if err != nil || written {
			return err
		}
	}
	return ErrConflict
}

// pause waits a little longer with each try, and not as long as others do.
func pause(ctx context.Context, try int) error {
	wait := time.NewTimer(time.Duration((0.5 + rand.Float64()) * float64(time.Duration(try)*20*time.Millisecond)))
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		return nil
	}
}

// apply makes the one write by which the stored persons become those wanted.
func (g *Galleries) apply(ctx context.Context, owner string, stored map[string]person, after *gallery.Gallery) (bool, error) {
	var changed []gallery.Person
	missing := len(stored)
	for _, p := range after.Persons() {
		old, known := stored[p.Name]
		if known {
			missing--
		}
		if !known || !sameAs(old.Person, p) {
			changed = append(changed, p)
		}
	}
	if len(changed) > 1 || missing > 0 {
		return false, fmt.Errorf("%w: %d changed, %d missing", ErrChange, len(changed), missing)
	}
	if len(changed) == 0 {
		return true, nil
	}
	return g.put(ctx, owner, changed[0], stored[changed[0].Name].version)
}

func sameAs(a, b gallery.Person) bool {
	if len(a.Pictures) != len(b.Pictures) || !a.Enrolled.Equal(b.Enrolled) {
		return false
	}
	for i := range a.Pictures {
		if !a.Pictures[i].Model.Same(b.Pictures[i].Model) || string(a.Pictures[i].Bytes()) != string(b.Pictures[i].Bytes()) {
			return false
		}
	}
	return true
}

func bare(stored map[string]person) (persons []gallery.Person) {
	for _, p := range stored {
		persons = append(persons, p.Person)
	}
	return persons
}

// wrote tells a write that the condition kept back from one that failed.
func wrote(err error) (bool, error) {
	var kept *types.ConditionalCheckFailedException
	if errors.As(err, &kept) {
		return false, nil
	}
	return err == nil, err
}
