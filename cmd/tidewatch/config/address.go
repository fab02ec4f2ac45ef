package config

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// hostForm is a host's name; addresses are parsed.
var hostForm = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$`)

// host checks a host's name or address.
func (r *resolver) host(path, host string) {
	if _, err := netip.ParseAddr(host); err == nil {
		return
	}
	if digits := regexp.MustCompile(`^[0-9.]+$`).MatchString(host); digits || !hostForm.MatchString(host) {
		r.wrong(path, "%q is neither a host's name nor an address", host)
	}
}

// port checks a port; least is 0 where any free one may be asked for.
func (r *resolver) port(path, port string, least int) {
	if n, err := strconv.Atoi(port); err != nil || n < least || n > 65535 {
		r.wrong(path, "port %s: want 1 to 65535", port)
	}
}

// hostPort checks HOST:PORT.
func (r *resolver) hostPort(path, s, want string) {
	host, port, err := net.SplitHostPort(s)
	if _, number := strconv.Atoi(port); err != nil || number != nil {
		r.wrong(path, "%q: want %s", s, want)
		return
	}
	r.host(path, host)
	r.port(path, port, 1)
}

// listen checks where pages are served. An empty host is every address of the
// machine.
func (r *resolver) listen(path, s string) string {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		r.wrong(path, "%q: want HOST:PORT, such as 127.0.0.1:8420", s)
		return s
	}
	if host != "" {
		r.host(path, host)
	}
	r.port(path, port, 0)
	return s
}

// isOpen reports whether an address to listen on can be reached by others.
func isOpen(listen string) bool {
	host, _, _ := net.SplitHostPort(listen)
	ip, err := netip.ParseAddr(host)
	return host != "localhost" && (err != nil || !ip.IsLoopback())
}

// webURL checks the URL of a server. It is never repeated: a password may be in
// it.
func (r *resolver) webURL(path, s, want string) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		r.wrong(path, "want %s, without credentials", want)
		return
	}
	r.urlHost(path, u)
}

func (r *resolver) urlHost(path string, u *url.URL) {
	r.host(path, u.Hostname())
	if u.Port() != "" {
		r.port(path, u.Port(), 1)
	}
}

// cameraURL never repeats what it was given: a password may be in it.
func (r *resolver) cameraURL(path, s string) {
	u, err := url.Parse(s)
	switch {
	case s == "":
		r.wrong(path, "is missing: want rtsp://HOST/PATH of the camera's main stream")
	case err != nil && strings.Contains(err.Error(), "invalid port"):
		r.wrong(path, "its port is no number")
	case err != nil:
		r.wrong(path, "is not a URL")
	case u.Scheme != "rtsp" && u.Scheme != "rtsps":
		r.wrong(path, "scheme must be rtsp or rtsps")
	case u.Hostname() == "":
		r.wrong(path, "host is missing")
	case u.User != nil:
		r.wrong(path, "must not hold credentials: use username and password_env or password_file")
	default:
		r.urlHost(path, u)
		if strings.Contains(s, "#") {
			r.doubt(path, "holds a #, after which nothing is sent: write %%23 if it belongs to the path")
		}
		if secretInURL.MatchString(s) {
			r.doubt(path, "seems to hold a password: everybody who may read this file, or what is in force, sees it")
		}
	}
}

var secretInURL = regexp.MustCompile(`(?i)[?&/_](pass(word|wd)?|pwd)=[^&]`)

// usualPort is the one that a scheme has where none is written.
var usualPort = map[string]string{"rtsp": "554", "rtsps": "322"}

// sameStream is a URL in the form in which those of the same stream are equal;
// empty if it is none.
func sameStream(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = usualPort[u.Scheme]
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	}
	path := u.Path
	if path == "/" {
		path = ""
	}
	return net.JoinHostPort(host, port) + path + "?" + u.RawQuery
}
