package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/IBM/sarama"

	"rdip/internal/fault"
)

// protocol is the protocol in force: what is written, else TLS unless every broker is on loopback.
func (c *Config) protocol() Protocol {
	sasl := c.Mechanism != "" || !c.JAAS.IsEmpty()
	switch {
	case c.Protocol != "":
		return c.Protocol
	case c.isLoopback() && sasl:
		return SASLPlaintext
	case c.isLoopback():
		return Plaintext
	case sasl:
		return SASLSSL
	default:
		return SSL
	}
}

func (p Protocol) hasTLS() bool  { return p == SSL || p == SASLSSL }
func (p Protocol) hasSASL() bool { return p == SASLPlaintext || p == SASLSSL }

func (c *Config) checkProtocol(v *validation) {
	if c.protocol().hasTLS() || c.isLoopback() {
		return
	}
	v.add(fault.Warning, "security.protocol", string(c.protocol())+": records can be read and changed on the way", "TLS",
		"set security.protocol to SSL or SASL_SSL")
}

func (c *Config) checkTLS(v *validation) {
	if !c.protocol().hasTLS() {
		for key, value := range map[string]string{"ssl.ca.location": c.CAFile, "ssl.certificate.location": c.CertFile, "ssl.key.location": c.KeyFile} {
			if value != "" {
				v.add(fault.Fatal, key, "a TLS setting with security.protocol "+string(c.protocol()), "TLS", "set security.protocol to SSL or SASL_SSL, or remove "+key)
			}
		}
		return
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		v.add(fault.Fatal, "ssl.certificate.location", "only one of ssl.certificate.location and ssl.key.location", "both or neither", "add the other one")
		return
	}
	if _, err := c.tlsConfig(); err != nil {
		var f *fault.Error
		errors.As(err, &f)
		v.add(fault.Fatal, f.Object, f.Cause.Error(), "a PEM file that can be used", f.Hint)
	}
	switch {
	case !c.Verify:
		v.add(fault.Warning, "enable.ssl.certificate.verification", "false: whoever answers is taken for Kafka", "true", "remove the key, and name the authority in ssl.ca.location")
	case !c.checksName():
		v.add(fault.Warning, "ssl.endpoint.identification.algorithm", "none: any certificate of the authority is taken for any broker", "https", "remove the key, and give brokers certificates with their names")
	}
}

func (c *Config) checksName() bool { return strings.EqualFold(c.EndpointID, "https") }

// tlsConfig is nil without TLS. It has no ServerName: the dialer sets the broker's.
func (c *Config) tlsConfig() (*tls.Config, error) {
	if !c.protocol().hasTLS() {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pool, err := authorities(c.CAFile)
		if err != nil {
			return nil, badFile("ssl.ca.location", err, "name a PEM file with the authority's certificate")
		}
		t.RootCAs = pool
	}
	if c.CertFile != "" {
		pair, err := c.clientCertificate()
		if err != nil {
			return nil, err
		}
		t.Certificates = []tls.Certificate{pair}
	}
	switch {
	case !c.Verify:
		t.InsecureSkipVerify = true
	case !c.checksName():
		t.InsecureSkipVerify = true
		t.VerifyConnection = chainOnly(t.RootCAs)
	}
	return t, nil
}

func badFile(key string, cause error, hint string) error {
	return &fault.Error{Kind: fault.Configuration, Op: "read", Object: key, Cause: cause, Hint: hint, Permanent: true}
}

func authorities(file string) (*x509.CertPool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%s holds no PEM certificate", file)
	}
	return pool, nil
}

func (c *Config) clientCertificate() (tls.Certificate, error) {
	cert, err := os.ReadFile(c.CertFile)
	if err != nil {
		return tls.Certificate{}, badFile("ssl.certificate.location", err, "name a PEM file that this process may read")
	}
	key, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return tls.Certificate{}, badFile("ssl.key.location", err, "name a PEM file that this process may read")
	}
	if key, err = decryptKey(key, c.KeyPass.Reveal()); err != nil {
		return tls.Certificate{}, badFile("ssl.key.password", fmt.Errorf("%s: %w", c.KeyFile, err), "openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD.key -out NEW.key")
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, badFile("ssl.key.location", fmt.Errorf("%s and %s: %w", c.CertFile, c.KeyFile, err), "name the key that belongs to the certificate")
	}
	return pair, nil
}

// chainOnly verifies that an authority signed the certificate, and not whose it is.
func chainOnly(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		between := x509.NewCertPool()
		for _, c := range s.PeerCertificates[1:] {
			between.AddCert(c)
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
		return err
	}
}

func (c *Config) checkSASL(v *validation) {
	p := c.protocol()
	if !p.hasSASL() {
		if c.Mechanism != "" || !c.JAAS.IsEmpty() {
			v.add(fault.Fatal, "security.protocol", string(p)+" with sasl settings", "SASL_SSL or SASL_PLAINTEXT", "set security.protocol to SASL_SSL, or remove the sasl keys")
		}
		return
	}
	l, err := c.login()
	if err != nil {
		var f *fault.Error
		errors.As(err, &f)
		v.add(fault.Fatal, f.Object, f.Cause.Error(), "a mechanism, a user and a password", f.Hint)
		return
	}
	if l.mechanism == Plain && !p.hasTLS() && !c.isLoopback() {
		severity := fault.Fatal
		if c.Cleartext {
			severity = fault.Warning
		}
		v.add(severity, "sasl.mechanism", "PLAIN without TLS: the password can be read on the way", "SASL_SSL, or SCRAM",
			"set security.protocol to SASL_SSL or sasl.mechanism to SCRAM-SHA-512; sasl.plain.allow.cleartext: true allows it")
	}
}

// login is who this client is.
type login struct {
	mechanism Mechanism
	user      string
	password  string
}

// login takes the user from sasl.username or sasl.jaas.config.
func (c *Config) login() (login, error) {
	bad := func(key, cause, hint string) (login, error) {
		return login{}, &fault.Error{Kind: fault.Configuration, Op: "read", Object: key, Cause: errors.New(cause), Hint: hint, Permanent: true}
	}
	l := login{c.Mechanism, c.User, c.Password.Reveal()}
	if !c.JAAS.IsEmpty() {
		if c.User != "" || !c.Password.IsEmpty() {
			return bad("sasl.jaas.config", "given beside sasl.username or sasl.password", "remove one of the two")
		}
		j, err := parseJAAS(c.JAAS.Reveal())
		if err != nil {
			return bad("sasl.jaas.config", err.Error(), "set sasl.mechanism, sasl.username and sasl.password instead")
		}
		if l.user, l.password = j.user, j.password; j.isScram == (l.mechanism == Plain) && l.mechanism != "" {
			return bad("sasl.jaas.config", fmt.Sprintf("%s does not go with sasl.mechanism %s", j.module, l.mechanism), "name the module of the mechanism")
		}
		if l.mechanism == "" && !j.isScram {
			l.mechanism = Plain
		}
	}
	switch {
	case l.mechanism == "":
		return bad("sasl.mechanism", "no mechanism", "set sasl.mechanism to SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN")
	case l.user == "":
		return bad("sasl.username", "no user", "set sasl.username")
	case l.password == "":
		return bad("sasl.password", "no password", "set sasl.password, best as ${env:NAME} or ${file:PATH}")
	}
	return l, nil
}

// applySASL sets the login in sarama's configuration.
func (c *Config) applySASL(s *sarama.Config) error {
	if !c.protocol().hasSASL() {
		return nil
	}
	l, err := c.login()
	if err != nil {
		return err
	}
	s.Net.SASL.Enable, s.Net.SASL.Handshake, s.Net.SASL.Version = true, true, sarama.SASLHandshakeV1
	s.Net.SASL.User, s.Net.SASL.Password, s.Net.SASL.Mechanism = l.user, l.password, sarama.SASLMechanism(l.mechanism)
	s.Net.SASL.SCRAMClientGeneratorFunc = scramClients(l.mechanism)
	return nil
}
