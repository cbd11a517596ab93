package certs

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"testing"
)

func load(t *testing.T, pair Pair) (tls.Certificate, *x509.Certificate) {
	t.Helper()
	both, err := tls.LoadX509KeyPair(pair.CertFile, pair.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	return both, both.Leaf
}

func TestACertificateHoldsForItsHostsUnderItsAuthorityOnly(t *testing.T) {
	ours, err := NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ours.Issue("server", "localhost", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	_, leaf := load(t, pair)
	cases := []struct {
		name, host string
		authority  *Authority
		valid      bool
	}{
		{"a host name of the certificate", "localhost", ours, true},
		{"an address of the certificate", "127.0.0.1", ours, true},
		{"another host", "example.org", ours, false},
		{"another authority", "localhost", theirs, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			pem, err := os.ReadFile(c.authority.CAFile)
			if err != nil {
				t.Fatal(err)
			}
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(pem)
			_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: c.host})
			if (err == nil) != c.valid {
				t.Errorf("got %v, valid should be %v", err, c.valid)
			}
		})
	}
}

func TestAConcatenatedPairIsKeyThenCertificateForItsOwnerOnly(t *testing.T) {
	authority, err := NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Issue("broker")
	if err != nil {
		t.Fatal(err)
	}
	path, err := pair.Concatenated()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	key, cert := strings.Index(string(text), "BEGIN PRIVATE KEY"), strings.Index(string(text), "BEGIN CERTIFICATE")
	if key < 0 || cert < key {
		t.Errorf("the key is at %d, the certificate at %d", key, cert)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}
