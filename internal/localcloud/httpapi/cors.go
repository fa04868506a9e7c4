package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// cors sets an API's CORS headers, in place of any the function sets, and
// answers preflight requests; it reports whether it has answered.
func (a *API) cors(w http.ResponseWriter, r *http.Request) bool {
	c := a.cfg.API.CorsConfiguration
	origin := r.Header.Get("Origin")
	if c == nil || origin == "" {
		return false
	}
	preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
	h := w.Header()
	if slices.ContainsFunc(c.AllowOrigins, func(o string) bool { return matchOrigin(o, origin) }) {
		if slices.Contains(c.AllowOrigins, "*") {
			origin = "*"
		} else {
			h.Add("Vary", "Origin")
		}
		h.Set("Access-Control-Allow-Origin", origin)
		if c.AllowCredentials {
			h.Set("Access-Control-Allow-Credentials", "true")
		}
		set := func(name string, values []string) {
			if len(values) > 0 {
				h.Set(name, strings.Join(values, ","))
			}
		}
		if preflight {
			set("Access-Control-Allow-Headers", c.AllowHeaders)
			set("Access-Control-Allow-Methods", c.AllowMethods)
			if c.MaxAge != 0 {
				h.Set("Access-Control-Max-Age", strconv.Itoa(c.MaxAge))
			}
		} else {
			set("Access-Control-Expose-Headers", c.ExposeHeaders)
		}
	}
	if preflight {
		w.WriteHeader(http.StatusNoContent)
	}
	return preflight
}

// matchOrigin knows "*", "https://*" and "http://*" besides whole origins.
func matchOrigin(allowed, origin string) bool {
	if prefix, ok := strings.CutSuffix(allowed, "*"); ok {
		return strings.HasPrefix(origin, prefix)
	}
	return allowed == origin
}
