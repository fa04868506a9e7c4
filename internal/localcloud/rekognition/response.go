package rekognition

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// modelVersion tells whose labels these are.
const modelVersion = "porchlight-1"

// response as the service writes it.
type response struct {
	Labels            []label
	LabelModelVersion string
}

type label struct {
	Name       string
	Confidence float64 // percent; of the surest instance
	Instances  []instance
	Parents    []struct{}
	Aliases    []struct{}
	Categories []struct{}
}

type instance struct {
	BoundingBox box
	Confidence  float64 // percent
}

// box in fractions of the picture.
type box struct{ Width, Height, Left, Top float64 }

// defaultLabels is how many labels are told at most.
const defaultLabels = 1000

// labels puts together what was seen, the surest first.
func labels(seen []sighting, in *request) []label {
	found := map[string]*label{}
	for _, d := range seen {
		confidence := min(max(d.Score*100, 0), 100)
		if confidence < in.minConfidence() {
			continue
		}
		l := found[d.Label]
		if l == nil {
			l = &label{Name: title(d.Label), Parents: []struct{}{}, Aliases: []struct{}{}, Categories: []struct{}{}}
			found[d.Label] = l
		}
		l.Confidence = max(l.Confidence, confidence)
		l.Instances = append(l.Instances, instance{d.box(), confidence})
	}
	out := make([]label, 0, len(found))
	for _, l := range found {
		slices.SortStableFunc(l.Instances, func(a, b instance) int { return cmp.Compare(b.Confidence, a.Confidence) })
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b label) int {
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), strings.Compare(a.Name, b.Name))
	})
	most := int64(defaultLabels)
	if in.MaxLabels != nil {
		most = *in.MaxLabels
	}
	return out[:min(int64(len(out)), most)]
}

// title writes "cell phone" as "Cell Phone".
func title(name string) string {
	words := strings.Fields(name)
	for i, word := range words {
		runes := []rune(word)
		runes[0] = unicode.ToUpper(runes[0])
		words[i] = string(runes)
	}
	return strings.Join(words, " ")
}
