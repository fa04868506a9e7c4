package gallery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"porchlight/internal/face"
)

// ErrFile is a gallery file that cannot be used.
var ErrFile = errors.New("gallery file cannot be used")

const formVersion = 1

// form is the file: JSON, embeddings as little-endian float32 in base64.
type form struct {
	Version int          `json:"version"`
	Model   modelForm    `json:"model"`
	Persons []personForm `json:"persons"`
}

type modelForm struct {
	Name      string `json:"name"`
	SHA256    string `json:"sha256"`
	Dimension int    `json:"dimension"`
}

type personForm struct {
	Name       string    `json:"name"`
	Enrolled   time.Time `json:"enrolled_at"`
	Embeddings [][]byte  `json:"embeddings"`
}

// Encode returns the gallery in the form that Decode reads.
func (g *Gallery) Encode() ([]byte, error) {
	out := form{Version: formVersion, Model: modelForm(g.model), Persons: []personForm{}}
	for _, p := range g.persons {
		person := personForm{Name: p.Name, Enrolled: p.Enrolled}
		for _, e := range p.Pictures {
			person.Embeddings = append(person.Embeddings, e.Bytes())
		}
		out.Persons = append(out.Persons, person)
	}
	return json.Marshal(out)
}

// Decode reads a gallery. Errors wrap ErrFile and say what is wrong.
func Decode(data []byte) (*Gallery, error) {
	var in form
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows its end", ErrFile)
	}
	if in.Version != formVersion {
		return nil, fmt.Errorf("%w: it is of version %d, this program reads %d", ErrFile, in.Version, formVersion)
	}
	m := face.Model(in.Model)
	if len(in.Persons) > 0 {
		if err := m.Validate(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFile, err)
		}
	}
	if len(in.Persons) > MaxPersons {
		return nil, fmt.Errorf("%w: it has %d persons, the most is %d", ErrFile, len(in.Persons), MaxPersons)
	}
	persons := make([]Person, 0, len(in.Persons))
	for i, p := range in.Persons {
		person, err := p.person(m)
		if err != nil {
			return nil, fmt.Errorf("%w: person %d: %w", ErrFile, i+1, err)
		}
		if i > 0 && persons[i-1].Name >= person.Name {
			return nil, fmt.Errorf("%w: person %d: not in the order of names", ErrFile, i+1)
		}
		persons = append(persons, person)
	}
	g, err := build(persons)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	return g, nil
}

func (p personForm) person(m face.Model) (Person, error) {
	if err := CheckName(p.Name); err != nil {
		return Person{}, err
	}
	if n := len(p.Embeddings); n < 1 || n > MaxPictures {
		return Person{}, fmt.Errorf("%d embeddings: want 1 to %d", n, MaxPictures)
	}
	out := Person{Name: p.Name, Enrolled: p.Enrolled}
	for _, raw := range p.Embeddings {
		e, err := face.EmbeddingFrom(m, raw)
		if err != nil {
			return Person{}, err
		}
		out.Pictures = append(out.Pictures, e)
	}
	return out, nil
}
