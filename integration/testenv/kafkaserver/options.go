// Package kafkaserver runs throwaway Apache Kafka clusters in KRaft mode: real brokers on free ports of
// 127.0.0.1 that live in a folder of their own and die with their parent. A broker starts in about 4 s
// and takes 300 MB.
package kafkaserver

import (
	"time"

	"rdip/integration/testenv/proxy"
)

const (
	readyWithin = 90 * time.Second
	stopWithin  = 30 * time.Second
)

// Options say what kind of cluster to start. The zero value is one broker with a plaintext listener
// for everybody, which every cluster has.
type Options struct {
	// Brokers is the number of brokers, each also a controller; 0 is 1.
	Brokers int
	// Users (name to password) get a SASL listener with PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512, and with
	// TLS another one of SASL over TLS.
	Users map[string]string
	// TLS adds a TLS listener under a certificate for localhost and 127.0.0.1 that the cluster's own
	// authority signed.
	TLS bool
	// ClientCerts has the TLS listener refuse clients without a certificate; it implies TLS. Certificates
	// come from Cluster.ClientCert.
	ClientCerts bool
	// ACLs turn the authorizer on: what is not allowed is denied, except to the plaintext listener
	// (User:ANONYMOUS) and to SuperUsers.
	ACLs bool
	// SuperUsers are principals such as User:admin.
	SuperUsers []string
	// Proxied adds a plaintext listener that is reached through Broker.Proxy, also after a client has
	// been told the brokers' addresses.
	Proxied bool
	// Cable is what the proxies listen behind; nil for loopback. The caller closes it, after the cluster.
	Cable *proxy.Cable
	// AutoCreate lets clients make topics by asking for them; off, as it should be in production.
	AutoCreate bool
	// Properties are more lines of server.properties, and win.
	Properties map[string]string
	// FullJIT lets Java compile for speed in the long run, for benchmarks; the default is a faster start.
	FullJIT bool
	// HeapMB is the most a broker's heap takes; 0 is 256.
	HeapMB int
}

// Listener names, as in advertised addresses.
const (
	plainListener      = "PLAINTEXT"
	saslListener       = "SASL"
	tlsListener        = "TLS"
	saslTLSListener    = "SASLTLS"
	proxiedListener    = "PROXIED"
	controllerListener = "CONTROLLER"
)

// protocols are Kafka's security protocols behind the listeners' names.
var protocols = map[string]string{
	plainListener: "PLAINTEXT", saslListener: "SASL_PLAINTEXT", tlsListener: "SSL",
	saslTLSListener: "SASL_SSL", proxiedListener: "PLAINTEXT", controllerListener: "PLAINTEXT",
}

// listeners are the names of the listeners that the options ask of every broker.
func (o Options) listeners() []string {
	names := []string{controllerListener, plainListener}
	if len(o.Users) > 0 {
		names = append(names, saslListener)
	}
	if o.TLS {
		names = append(names, tlsListener)
	}
	if o.TLS && len(o.Users) > 0 {
		names = append(names, saslTLSListener)
	}
	if o.Proxied {
		names = append(names, proxiedListener)
	}
	return names
}
