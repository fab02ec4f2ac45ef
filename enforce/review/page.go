package review

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"time"
)

//go:embed html/*.html
var htmlFiles embed.FS

// page is what a template is given: what every page shows, and its own Body.
type page struct {
	Name  string // of the template
	Title string // key of the catalog
	Body  any
	Live  time.Duration // how often the parts marked live renew themselves; zero: never
	Form  bool          // something may be half typed: without a script nothing renews itself

	// Filled in by show.
	Flash   string // key of the catalog, said once above the page
	Lang    lang
	Officer string
	Path    string
	Cameras *camerasLink // nil where there is no such page
	System  *systemLink  // nil where there is no such page
}

// Seconds is Live as the page's markup wants it.
func (p page) Seconds() int { return int(p.Live / time.Second) }

// Renewed is the page's own address for when it asks for itself.
func (p page) Renewed() string {
	u, err := url.Parse(p.Path)
	if err != nil {
		return p.Path // it came from a request's address, so there is no such case
	}
	query := u.Query()
	query.Set(renewedQuery, "")
	u.RawQuery = query.Encode()
	return u.String()
}

// pages are the parsed templates by language and name.
type pages map[lang]map[string]*template.Template

func loadPages(assets assets) pages {
	all := pages{}
	for lang, text := range catalogs {
		all[lang] = map[string]*template.Template{}
		layout := template.Must(template.New("layout.html").Funcs(template.FuncMap{
			"t":     text.text,
			"asset": assets.path,
		}).ParseFS(htmlFiles, "html/layout.html", "html/part_*.html"))
		for _, name := range []string{"sign_in", "queue", "case", "cameras", "camera", "system", "error"} {
			all[lang][name] = template.Must(template.Must(layout.Clone()).ParseFS(htmlFiles, path.Join("html", name+".html")))
		}
	}
	return all
}

// show renders a page whole before it sends any of it, so that an error on the
// way still gives an error page.
func (s *Server) show(w http.ResponseWriter, r *http.Request, code int, p page) error {
	p.Lang, p.Officer, p.Path = languageOf(r), s.signedIn(r), s.pageOf(r)
	if p.Officer != "" {
		p.Cameras, p.System = s.camerasLink(), s.systemLink(r)
	}
	p.Flash = s.sessions.PopString(r.Context(), flashKey)
	var body bytes.Buffer
	if err := s.pages[p.Lang][p.Name].ExecuteTemplate(&body, "layout.html", p); err != nil {
		return fmt.Errorf("render page %s: %w", p.Name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(p.Lang))
	h.Set("Cache-Control", unkept)
	h.Add("Vary", "Accept-Language")
	w.WriteHeader(code)
	_, _ = body.WriteTo(w) // the browser has gone; there is nobody to tell
	return nil
}
