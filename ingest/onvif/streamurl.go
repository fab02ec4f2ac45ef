package onvif

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// credential is where a user name or password stands in a path or query, as
// some cameras write them. A token is none: it names a profile.
var credential = regexp.MustCompile(`(?i)(^|[^a-z0-9])(user|usr|username|userid|loginuse|login|pass|passwd|password|loginpas|pwd|psw|auth)=`)

// longestURL is far beyond those of cameras.
const longestURL = 2048

// host is a name or an IP address.
var host = regexp.MustCompile(`^[A-Za-z0-9._:%-]+$`)

// withoutCredentials reads the address of a stream and takes out what may be
// secret. With errCredentials the address is good, but may be refused for what
// it lacks; with errStreamURL it is empty, and so it is where a secret cannot be
// told from the rest. No error repeats anything of it.
func withoutCredentials(text, password string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if len(text) > longestURL || err != nil || u.Scheme != "rtsp" && u.Scheme != "rtsps" || !host.MatchString(u.Hostname()) {
		return "", errStreamURL
	}
	u.User = nil // the same ones as everywhere: nothing is missing
	path, query := withoutSegments(u.EscapedPath()), withoutParts(u.RawQuery)
	removed := path != u.EscapedPath() || query != u.RawQuery
	if removed {
		if u.Path, err = url.PathUnescape(path); err != nil {
			return "", errStreamURL
		}
		u.RawPath, u.RawQuery = path, query
	}
	if !plain(u, password) {
		return "", errStreamURL
	}
	if removed {
		return u.String(), errCredentials
	}
	return u.String(), nil
}

// withoutSegments leaves the credentials out of a path.
func withoutSegments(path string) string {
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		if without := withoutParts(segment); without != "" || segment == "" {
			kept = append(kept, without)
		}
	}
	return strings.Join(kept, "/")
}

// withoutParts leaves out each part that holds a credential, and what follows
// one without a name of its own: it may be the rest of a password.
func withoutParts(text string) string {
	mark := "_" // between the parts of a path of some makes
	for _, usual := range []string{";", "&"} {
		if strings.Contains(text, usual) {
			mark = usual
		}
	}
	var kept []string
	secret := false
	for part := range strings.SplitSeq(text, mark) {
		written, err := url.PathUnescape(part)
		secret = err != nil || credential.MatchString(written) || secret && !strings.Contains(part, "=")
		if !secret {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, mark)
}

// plain reports whether a URL holds nothing that a password with odd
// characters, written as it is, would leave behind, nor the account's own.
func plain(u *url.URL, password string) bool {
	query, err := url.QueryUnescape(u.RawQuery)
	all := u.Path + "?" + query
	odd := func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }
	if err != nil || strings.ContainsFunc(u.String(), odd) || strings.Contains(all, "@") || u.Fragment != "" || u.Opaque != "" {
		return false
	}
	return password == "" || !strings.Contains(all, "="+password) && !strings.Contains(all, ":"+password)
}
