package rest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"rdip/internal/fault"
)

// checkLoopback refuses an address that others can reach: there is no authentication yet.
func checkLoopback(ctx context.Context, address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return bindFault(address, err, "write it as 127.0.0.1:8083")
	}
	const hint = "use 127.0.0.1, ::1 or localhost, and a proxy with authentication in front where others must read it"
	if host == "" {
		return bindFault(address, errors.New("it is every interface, and only loopback is served"), hint)
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return bindFault(address, err, hint)
	}
	for _, ip := range found {
		if !ip.Unmap().IsLoopback() {
			return bindFault(address, fmt.Errorf("%s is not loopback, and only loopback is served", ip.Unmap()), hint)
		}
	}
	return nil
}

func bindFault(address string, cause error, hint string) error {
	return &fault.Error{Kind: fault.Configuration, Op: "serve REST", Object: fmt.Sprintf("on %q", address), Cause: cause, Hint: hint, Permanent: true}
}

// ownHost refuses a request that a browser was tricked into sending: the page's name was made to resolve to
// loopback (DNS rebinding), and stands in Host, or the page's origin does.
func ownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(r.Host) {
			write(w, http.StatusForbidden, &ErrorMessage{http.StatusForbidden, "the Host header is not loopback: ask as http://127.0.0.1 or http://localhost"})
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && !isLoopback(strings.TrimPrefix(strings.TrimPrefix(origin, "https://"), "http://")) {
			write(w, http.StatusForbidden, &ErrorMessage{http.StatusForbidden, "the Origin header is not loopback"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLoopback judges a host with or without a port.
func isLoopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
