package face

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Errors of embeddings.
var (
	ErrEmbedding  = errors.New("not a face embedding")
	ErrOtherModel = errors.New("face embeddings of different models do not compare")
)

// maxDimension bounds what a gallery or a network may ask for.
const maxDimension = 4096

// Model says which network made an embedding. Those of two networks have
// nothing to do with each other, so it goes wherever an embedding goes.
type Model struct {
	Name      string // for people
	SHA256    string // of the network's files, in hexadecimal; what tells models apart
	Dimension int
}

// Same tells that embeddings of the two models compare.
func (m Model) Same(o Model) bool { return m.SHA256 == o.SHA256 && m.Dimension == o.Dimension }

// Validate reports what is wrong with a model, as ErrEmbedding.
func (m Model) Validate() error {
	if m.Name == "" || len(m.SHA256) != 64 || m.Dimension < 1 || m.Dimension > maxDimension {
		return fmt.Errorf("%w: model %q with hash %q and %d dimensions: want a name, a SHA-256 and 1 to %d dimensions",
			ErrEmbedding, m.Name, m.SHA256, m.Dimension, maxDimension)
	}
	return nil
}

// Embedding is what a network makes of a face: a vector of length 1 that is
// close to those of other pictures of the same person.
type Embedding struct {
	Model  Model
	Vector []float32
}

// NewEmbedding scales what a network gave to length 1. Numbers that are not
// finite, all zero or too few are ErrEmbedding.
func NewEmbedding(m Model, raw []float32) (Embedding, error) {
	if len(raw) != m.Dimension || len(raw) == 0 {
		return Embedding{}, fmt.Errorf("%w: %d numbers for the %d dimensions of %s", ErrEmbedding, len(raw), m.Dimension, m.Name)
	}
	var squares float64
	for _, v := range raw {
		squares += float64(v) * float64(v)
	}
	length := math.Sqrt(squares)
	if !(length > 1e-6) || math.IsInf(length, 0) {
		return Embedding{}, fmt.Errorf("%w: its length is %v", ErrEmbedding, length)
	}
	e := Embedding{Model: m, Vector: make([]float32, len(raw))}
	for i, v := range raw {
		e.Vector[i] = float32(float64(v) / length)
	}
	return e, nil
}

// Bytes is the vector as it is stored: float32, little-endian.
func (e Embedding) Bytes() []byte {
	out := make([]byte, 0, 4*len(e.Vector))
	for _, v := range e.Vector {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}

// EmbeddingFrom is the inverse of Bytes. Errors are those of NewEmbedding.
func EmbeddingFrom(m Model, stored []byte) (Embedding, error) {
	if len(stored) != 4*m.Dimension {
		return Embedding{}, fmt.Errorf("%w: %d bytes, want %d", ErrEmbedding, len(stored), 4*m.Dimension)
	}
	raw := make([]float32, m.Dimension)
	for i := range raw {
		raw[i] = math.Float32frombits(binary.LittleEndian.Uint32(stored[4*i:]))
	}
	return NewEmbedding(m, raw)
}

// Distance is the cosine distance of two embeddings, 1 - cos: 0 for the same
// picture, about 1 for two persons, at most 2. Errors are ErrOtherModel and
// ErrEmbedding.
func (e Embedding) Distance(o Embedding) (float64, error) {
	if !e.Model.Same(o.Model) {
		return 0, fmt.Errorf("%w: %s and %s", ErrOtherModel, e.Model.Name, o.Model.Name)
	}
	if len(e.Vector) != e.Model.Dimension || len(o.Vector) != len(e.Vector) {
		return 0, fmt.Errorf("%w: %d and %d numbers for %d dimensions", ErrEmbedding, len(e.Vector), len(o.Vector), e.Model.Dimension)
	}
	var dot float64
	for i, v := range e.Vector {
		dot += float64(v) * float64(o.Vector[i])
	}
	return min(max(1-dot, 0), 2), nil
}

// Mean is the one embedding that stands for several of a person: their mean,
// scaled to length 1 again. Errors are ErrOtherModel, and ErrEmbedding for none
// at all or for embeddings that cancel each other.
func Mean(list []Embedding) (Embedding, error) {
	if len(list) == 0 {
		return Embedding{}, fmt.Errorf("%w: a mean of none", ErrEmbedding)
	}
	sum := make([]float32, len(list[0].Vector))
	for _, e := range list {
		if !e.Model.Same(list[0].Model) {
			return Embedding{}, fmt.Errorf("%w: %s and %s", ErrOtherModel, list[0].Model.Name, e.Model.Name)
		}
		if len(e.Vector) != len(sum) {
			return Embedding{}, fmt.Errorf("%w: %d and %d numbers", ErrEmbedding, len(sum), len(e.Vector))
		}
		for i, v := range e.Vector {
			sum[i] += v / float32(len(list))
		}
	}
	return NewEmbedding(list[0].Model, sum)
}
