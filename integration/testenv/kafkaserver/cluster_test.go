package kafkaserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/goleak"

	"rdip/integration/testenv/component"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // sarama's
}

func start(t *testing.T, o Options) *Cluster {
	t.Helper()
	for _, c := range []component.Component{component.Java(), component.Kafka()} {
		if _, err := c.Path(); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	c, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.Logs(40))
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func produce(addr string, config *sarama.Config, topic, value string) error {
	config.Producer.Return.Successes = true
	config.Metadata.Retry.Max = 1
	p, err := sarama.NewSyncProducer([]string{addr}, config)
	if err != nil {
		return err
	}
	defer p.Close()
	_, _, err = p.SendMessage(&sarama.ProducerMessage{
		Topic: topic, Key: sarama.StringEncoder("k"), Value: sarama.StringEncoder(value),
		Headers: []sarama.RecordHeader{{Key: []byte("h"), Value: []byte("1")}},
	})
	return err
}

func mustRead(t *testing.T, c *Cluster, topic string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	records, err := c.Read(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	var values string
	for _, r := range records {
		values += string(r.Value) + ";"
	}
	return values
}

func mustCreate(t *testing.T, c *Cluster, topic string) {
	t.Helper()
	if err := c.CreateTopic(topic, 2, map[string]string{"retention.ms": "1000000"}); err != nil {
		t.Fatal(err)
	}
}

func TestABrokerKeepsItsRecordsOverStopAndKill(t *testing.T) {
	c := start(t, Options{Proxied: true})
	mustCreate(t, c, "t")
	partitions, settings, ok, err := c.Topic("t")
	if err != nil || !ok || partitions != 2 || settings["retention.ms"] != "1000000" {
		t.Errorf("the topic has %d partitions and %v (%v, %v)", partitions, settings, ok, err)
	}
	down := map[string]func() error{"stop": c.Stop, "kill": c.Kill}
	want := ""
	for _, how := range []string{"stop", "kill"} {
		if err := produce(c.Bootstrap(), ClientConfig(), "t", "before "+how); err != nil {
			t.Fatal(err)
		}
		want += "before " + how + ";"
		if err := down[how](); err != nil {
			t.Fatal(err)
		}
		if c.Brokers[0].Running() {
			t.Fatalf("it runs after %s", how)
		}
		if err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := mustRead(t, c, "t"); got != want {
			t.Errorf("after %s the topic holds %q, want %q", how, got, want)
		}
	}
	if end, err := c.EndOffset("t"); err != nil || end != 2 {
		t.Errorf("the end offsets add up to %d (%v), want 2", end, err)
	}
	t.Run("a proxied client is cut and mended", func(t *testing.T) { proxiedClient(t, c) })
	t.Run("a paused broker is silent until it is resumed", func(t *testing.T) { pausedBroker(t, c) })
	t.Run("topics are not made by asking for them", func(t *testing.T) {
		if err := produce(c.Bootstrap(), ClientConfig(), "unheard_of", "x"); err == nil {
			t.Error("a record went to a topic that nobody made")
		}
		if _, _, ok, err := c.Topic("unheard_of"); ok || err != nil {
			t.Errorf("the topic is there: %v (%v)", ok, err)
		}
	})
}

func proxiedClient(t *testing.T, c *Cluster) {
	addr := c.ProxiedBootstrap()
	if err := produce(addr, ClientConfig(), "t", "through the proxy"); err != nil {
		t.Fatal(err)
	}
	if n := c.Brokers[0].Proxy().Accepted(); n < 2 {
		t.Errorf("%d connections went through the proxy: the client was told another address", n)
	}
	c.Brokers[0].Proxy().Cut()
	hasty := ClientConfig()
	hasty.Producer.Retry.Max = 0
	if err := produce(addr, hasty, "t", "cut"); err == nil {
		t.Error("a record got through a cut proxy")
	}
	c.Brokers[0].Proxy().Pass()
	if err := produce(addr, ClientConfig(), "t", "mended"); err != nil {
		t.Error(err)
	}
}

func pausedBroker(t *testing.T, c *Cluster) {
	if err := c.Pause(); err != nil {
		t.Fatal(err)
	}
	impatient := ClientConfig()
	impatient.Net.ReadTimeout = time.Second
	impatient.Net.DialTimeout = time.Second
	impatient.Producer.Retry.Max = 0
	if err := produce(c.Bootstrap(), impatient, "t", "paused"); err == nil {
		t.Error("a paused broker answered")
	}
	if err := c.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := produce(c.Bootstrap(), ClientConfig(), "t", "resumed"); err != nil {
		t.Error(err)
	}
}

// secure is a client's configuration for SASL and TLS.
func secure(t *testing.T, c *Cluster, mechanism, user, password, certName string) *sarama.Config {
	t.Helper()
	config := ClientConfig()
	if mechanism != "" {
		config.Net.SASL.Enable = true
		config.Net.SASL.Mechanism = sarama.SASLMechanism(mechanism)
		config.Net.SASL.User, config.Net.SASL.Password = user, password
		config.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return newSCRAM(mechanism) }
	}
	pem, err := os.ReadFile(c.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config.Net.TLS.Config = &tls.Config{RootCAs: roots}
	if certName != "" {
		pair, err := c.ClientCert(certName)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := tls.LoadX509KeyPair(pair.CertFile, pair.KeyFile)
		if err != nil {
			t.Fatal(err)
		}
		config.Net.TLS.Config.Certificates = []tls.Certificate{cert}
	}
	return config
}

func TestSASLTLSAndACLsLetInWhomTheyShould(t *testing.T) {
	c := start(t, Options{
		Users: map[string]string{"admin": "a secret", "guest": "g"},
		ACLs:  true, SuperUsers: []string{"User:admin", "User:CN=badge"}, ClientCerts: true,
	})
	mustCreate(t, c, "t")
	const denied, failed = sarama.ErrTopicAuthorizationFailed, sarama.ErrSASLAuthenticationFailed
	cases := []struct {
		name, addr                           string
		mechanism, user, password, certified string
		tls                                  bool
		want                                 error
	}{
		{"PLAIN", c.SASLBootstrap(), "PLAIN", "admin", "a secret", "", false, nil},
		{"SCRAM-SHA-256", c.SASLBootstrap(), "SCRAM-SHA-256", "admin", "a secret", "", false, nil},
		{"SCRAM-SHA-512 over TLS", c.SASLTLSBootstrap(), "SCRAM-SHA-512", "admin", "a secret", "", true, nil},
		{"a user without an ACL is denied", c.SASLBootstrap(), "PLAIN", "guest", "g", "", false, denied},
		{"a wrong password is refused", c.SASLBootstrap(), "PLAIN", "admin", "guess", "", false, failed},
		{"a wrong SCRAM password is refused", c.SASLBootstrap(), "SCRAM-SHA-512", "admin", "guess", "", false, failed},
		{"a client certificate", c.TLSBootstrap(), "", "", "", "badge", true, nil},
		{"another client certificate is denied", c.TLSBootstrap(), "", "", "", "stranger", true, denied},
	}
	for i, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			config := secure(t, c, tc.mechanism, tc.user, tc.password, tc.certified)
			config.Net.TLS.Enable = tc.tls
			if err := produce(tc.addr, config, "t", fmt.Sprint(i)); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
	t.Run("TLS without a client certificate is refused", func(t *testing.T) {
		config := secure(t, c, "", "", "", "")
		config.Net.TLS.Enable = true
		if err := produce(c.TLSBootstrap(), config, "t", "x"); err == nil {
			t.Error("it was let in")
		}
	})
}

func TestThreeBrokersOutliveOne(t *testing.T) {
	if testing.Short() {
		t.Skip("three JVMs")
	}
	c := start(t, Options{Brokers: 3})
	mustCreate(t, c, "t")
	if err := c.Brokers[2].Kill(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := produce(c.Brokers[0].Addr(), ClientConfig(), "t", "two are enough")
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
	}
	if err := c.Brokers[2].Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}
