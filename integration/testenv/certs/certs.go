// Package certs makes throwaway certificates: an authority of its own, and what it signs for servers
// and clients. Keys are PKCS #8, which PostgreSQL, Kafka and Go all read.
package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// validity is how long a certificate lasts, from an hour before it is made.
const validity = 48 * time.Hour

// Authority signs certificates. CAFile is its own certificate, PEM.
type Authority struct {
	CAFile string

	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Pair is a certificate and its private key, both PEM files.
type Pair struct{ CertFile, KeyFile string }

// NewAuthority makes an authority whose files lie in dir, which must exist.
func NewAuthority(dir string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template, err := newTemplate("rdip test authority")
	if err != nil {
		return nil, err
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	a := &Authority{CAFile: filepath.Join(dir, "ca.pem"), dir: dir, cert: cert, key: key}
	return a, writePEM(a.CAFile, "CERTIFICATE", der, 0o644)
}

// Issue makes a certificate with the common name for the hosts (names or IP addresses; none for a
// client), valid for servers and clients alike. The files are named for the common name.
func (a *Authority) Issue(commonName string, hosts ...string) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	template, err := newTemplate(commonName)
	if err != nil {
		return Pair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return Pair{}, err
	}
	pair := Pair{filepath.Join(a.dir, commonName+".pem"), filepath.Join(a.dir, commonName+".key")}
	return pair, writePair(pair, der, key)
}

func newTemplate(commonName string) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	from := time.Now().Add(-time.Hour)
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: commonName},
		NotBefore:    from,
		NotAfter:     from.Add(validity),
	}, nil
}

func writePair(pair Pair, der []byte, key *ecdsa.PrivateKey) error {
	if err := writePEM(pair.CertFile, "CERTIFICATE", der, 0o644); err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(pair.KeyFile, "PRIVATE KEY", keyDER, 0o600)
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}

// Concatenated is a file beside the pair's with the key and then the certificate, as Kafka's PEM
// keystores want it.
func (p Pair) Concatenated() (string, error) {
	key, err := os.ReadFile(p.KeyFile)
	if err != nil {
		return "", err
	}
	cert, err := os.ReadFile(p.CertFile)
	if err != nil {
		return "", err
	}
	path := p.CertFile + ".both"
	return path, os.WriteFile(path, append(key, cert...), 0o600)
}
