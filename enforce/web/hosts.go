package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Hosts are the names by which a server may be called, besides those of
// loopback and the address at which the client has reached it. A page of
// somebody else's that has its own name lead here is refused (DNS rebinding).
type Hosts []string

// wrongHost is what a browser shows that calls the server by another name.
const wrongHost = `This server is not called by that name. Its operator can add the name in the address bar to "hosts" in the configuration.
本服务器不使用该名称。管理员可将地址栏中的名称加入配置项 hosts。
`

// only lets requests through that are meant for this server.
func (h Hosts) only(next http.Handler, refused func(why string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.meant(r) {
			refused("host")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, wrongHost, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// meant reports whether a request calls this server by one of its names.
func (h Hosts) meant(r *http.Request) bool {
	name, ok := hostname(r.Host)
	if !ok {
		return false
	}
	if address, err := netip.ParseAddr(name); err == nil {
		return address.Unmap().IsLoopback() || address.Unmap() == localAddress(r) || slices.Contains(h, address.String())
	}
	return name == "localhost" || slices.Contains(h, name)
}

// localAddress is the address at which the client has reached us.
func localAddress(r *http.Request) netip.Addr {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return netip.Addr{}
	}
	return addressOf(local.String())
}

// Hostname is a host as Hosts holds it: without port, in small letters; empty
// if it is none.
func Hostname(host string) string {
	if name, ok := hostname(host); ok {
		return name
	}
	return ""
}

func hostname(host string) (name string, ok bool) {
	if h, port, err := net.SplitHostPort(host); err == nil && strings.Trim(port, "0123456789") == "" {
		host = h
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if address, err := netip.ParseAddr(host); err == nil {
		return address.String(), true
	}
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
	}
	return host, host != "" && !strings.ContainsFunc(host, odd)
}
