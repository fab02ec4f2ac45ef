package simpolice

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"clock": func(s string) string {
		at, err := parseTime(s)
		if err != nil {
			return s
		}
		return at.Format("2006-01-02 15:04:05")
	},
}).Parse(pageText))

// Vehicles lists what has been received, newest first.
func (s *Server) Vehicles() []Vehicle {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.list()
}

func (s *Server) list(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(s.Vehicles()) // a caller that has gone away needs no answer
}

func (s *Server) page(w http.ResponseWriter, _ *http.Request) {
	var text bytes.Buffer
	err := pageTemplate.Execute(&text, map[string]any{
		"Vehicles": s.Vehicles(), "Registered": s.Registered(), "DeviceID": s.config.DeviceID,
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'")
	_, _ = text.WriteTo(w)
}

func (s *Server) picture(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	data, ok := s.store.pictures[r.PathValue("sha256")]
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.Header().Set("Cache-Control", "max-age=31536000, immutable")
	_, _ = w.Write(data)
}
