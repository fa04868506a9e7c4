package nucleus

import (
	"log/slog"
	"testing"
)

// FuzzWhole: whatever configuration a deployment asks about, the answer is a
// tree for the thing, or an error.
func FuzzWhole(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := &Settings{&Nucleus{cfg: Config{Log: slog.New(slog.DiscardHandler)}, thing: "home", region: "eu-central-1"}}
		tree, err := s.whole(text)
		if err != nil {
			return
		}
		if tree["thing"] != "home" || tree["state_dir"] == nil || tree["cloud"] == nil {
			t.Fatalf("%s became %v", text, tree)
		}
		for _, key := range []string{namesKey, "accessControl", "accesscontrol"} {
			if _, left := tree[key]; left {
				t.Fatalf("%s is left of %s", key, text)
			}
		}
	})
}
