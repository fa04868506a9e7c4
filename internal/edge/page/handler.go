package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"time"
)

//go:embed assets
var assets embed.FS

// mostForm is the largest body of a form, in bytes.
const mostForm = 4 << 10

// site is what the handlers share.
type site struct {
	*Page
	templates *template.Template
	style     template.CSS
	scripts   map[string][]byte
	policy    string // Content-Security-Policy
}

func (p *Page) handler() (http.Handler, error) {
	style, err := assets.ReadFile("assets/style.css")
	if err != nil {
		return nil, fmt.Errorf("local page: %w", err)
	}
	scripts := map[string][]byte{}
	for _, name := range []string{"page.js", "recordings.js"} {
		if scripts[name], err = assets.ReadFile("assets/" + name); err != nil {
			return nil, fmt.Errorf("local page: %w", err)
		}
	}
	templates, err := template.ParseFS(assets, "assets/*.html")
	if err != nil {
		return nil, fmt.Errorf("local page: %w", err)
	}
	hash := sha256.Sum256(style)
	s := &site{
		Page: p, templates: templates, style: template.CSS(style), scripts: scripts,
		policy: "default-src 'none'; img-src 'self'; media-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; " +
			"frame-ancestors 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'",
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", s.login)
	mux.HandleFunc("POST /login", s.signIn)
	mux.HandleFunc("POST /logout", s.gate.guard(s.signOut))
	mux.HandleFunc("GET /{$}", s.gate.guard(s.index))
	mux.HandleFunc("GET /camera/{id}", s.gate.guard(s.camera))
	mux.HandleFunc("GET /camera/{id}/live", s.gate.guard(s.live))
	mux.HandleFunc("GET /camera/{id}/recordings", s.gate.guard(s.known(s.recorded)))
	mux.HandleFunc("GET /camera/{id}/ranges", s.gate.guard(s.known(s.ranges)))
	mux.HandleFunc("GET /camera/{id}/clip", s.gate.guard(s.known(s.describeClip)))
	mux.HandleFunc("GET /camera/{id}/clip.mp4", s.gate.guard(s.known(s.sendClip)))
	mux.HandleFunc("GET /stats", s.gate.guard(s.statistics))
	mux.HandleFunc("GET /page.js", s.gate.guard(s.code("page.js")))
	mux.HandleFunc("GET /recordings.js", s.gate.guard(s.code("recordings.js")))
	mux.HandleFunc("/", s.gate.guard(http.NotFound))
	return s.strict(http.NewCrossOriginProtection().Handler(mux)), nil
}

// strict sets what holds for every answer.
func (s *site) strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", s.policy)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		r.Body = http.MaxBytesReader(w, r.Body, mostForm)
		// Both are there on every connection of net/http. A deadline for reading
		// would end streams, so only what has a body gets one.
		deadlines, soon := http.NewResponseController(w), time.Now().Add(answerTime)
		_ = deadlines.SetWriteDeadline(soon)
		if r.Method == http.MethodPost {
			_ = deadlines.SetReadDeadline(soon)
		}
		next.ServeHTTP(w, r)
	})
}

// show writes an HTML page.
func (s *site) show(w http.ResponseWriter, status int, name string, data map[string]any) {
	data["Style"] = s.style
	var page bytes.Buffer
	if err := s.templates.ExecuteTemplate(&page, name, data); err != nil {
		s.log.Error("local page", "error", err)
		http.Error(w, "the page cannot be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(page.Bytes())
}

func (s *site) login(w http.ResponseWriter, _ *http.Request) {
	s.show(w, http.StatusOK, "login.html", map[string]any{})
}

func (s *site) signIn(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form cannot be read", http.StatusBadRequest)
		return
	}
	switch s.gate.try(r.PostForm.Get("token"), remote(r)) {
	case welcome:
		http.SetCookie(w, s.gate.begin())
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case barred:
		tooMany(w)
	case unknown:
		s.show(w, http.StatusUnauthorized, "login.html", map[string]any{"Wrong": true})
	}
}

func (s *site) signOut(w http.ResponseWriter, r *http.Request) {
	s.gate.end(r)
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

func (s *site) index(w http.ResponseWriter, _ *http.Request) {
	s.show(w, http.StatusOK, "index.html", map[string]any{"Cameras": s.numbers(), "Former": s.former(), "Recordings": s.recordings != nil})
}

func (s *site) camera(w http.ResponseWriter, r *http.Request) {
	if c := s.find(r.PathValue("id")); c != nil {
		s.show(w, http.StatusOK, "camera.html", map[string]any{"ID": c.id, "Recordings": s.recordings != nil})
		return
	}
	http.NotFound(w, r)
}

func (s *site) numbers() []cameraStats {
	list := []cameraStats{}
	for _, c := range s.all() {
		list = append(list, c.now())
	}
	return list
}

func (s *site) statistics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	err := json.NewEncoder(w).Encode(map[string]any{"cameras": s.numbers(), "viewers": s.viewers.Load()})
	if err != nil {
		s.log.Debug("local page: statistics", "error", err)
	}
}

func (s *site) code(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Write(s.scripts[name])
	}
}
