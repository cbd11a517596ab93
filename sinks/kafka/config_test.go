package kafka_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rdip/configs"
	"rdip/internal/fault"
	"rdip/sinks/kafka"
)

// decode reads keys as a file's, and checks them together.
func decode(broker string, keys map[string]string) (kafka.Config, fault.Findings) {
	c := kafka.Config{Brokers: []string{broker}}
	section := configs.FromMap("test", "", keys)
	found := configs.Decode(section, c.Definition())
	return c, append(found, c.Check(section.Where)...)
}

func TestTheDefaultsAreSafe(t *testing.T) {
	c := kafka.NewConfig("broker.example.com:9092")
	if c.Acks != "all" || !c.Verify || c.EndpointID != "https" || c.Compression != kafka.None || c.Linger != 5*time.Millisecond || c.Cleartext {
		t.Errorf("%+v", c)
	}
	if topics := kafka.NewCreation(); !topics.Enable || topics.Partitions != 1 || topics.Replication != -1 || len(topics.Settings) != 0 {
		t.Errorf("%+v", topics)
	}
}

func TestSettingsThatDoNotGoTogetherAreFoundWithTheKey(t *testing.T) {
	const far, near = "broker.example.com:9092", "127.0.0.1:9092"
	login := func(more ...string) map[string]string {
		keys := map[string]string{"sasl.username": "u", "sasl.password": "canary"}
		for i := 0; i < len(more); i += 2 {
			keys[more[i]] = more[i+1]
		}
		return keys
	}
	for name, c := range map[string]struct {
		broker   string
		keys     map[string]string
		severity fault.Severity
		want     string // part of the only finding; empty: none
	}{
		"nothing but brokers is TLS":                {far, nil, fault.Notice, ""},
		"nothing but brokers on loopback":           {near, nil, fault.Notice, ""},
		"plaintext to another machine is told":      {far, map[string]string{"security.protocol": "PLAINTEXT"}, fault.Warning, "can be read"},
		"plaintext on loopback is not":              {near, map[string]string{"security.protocol": "PLAINTEXT"}, fault.Notice, ""},
		"SCRAM over TLS":                            {far, login("sasl.mechanism", "SCRAM-SHA-512"), fault.Notice, ""},
		"PLAIN over TLS":                            {far, login("sasl.mechanism", "PLAIN"), fault.Notice, ""},
		"PLAIN on loopback":                         {near, login("sasl.mechanism", "PLAIN"), fault.Notice, ""},
		"SASL without a mechanism":                  {far, login("security.protocol", "SASL_SSL"), fault.Fatal, "sasl.mechanism: no mechanism"},
		"a mechanism without SASL":                  {far, login("security.protocol", "SSL", "sasl.mechanism", "PLAIN"), fault.Fatal, "SSL with sasl settings"},
		"no password":                               {far, map[string]string{"sasl.mechanism": "PLAIN", "sasl.username": "u"}, fault.Fatal, "sasl.password: no password"},
		"Kerberos is refused by name":               {near, login("sasl.mechanism", "GSSAPI", "security.protocol", "PLAINTEXT"), fault.Fatal, "later version"},
		"OAuth is refused by name":                  {near, login("sasl.mechanism", "OAUTHBEARER", "security.protocol", "PLAINTEXT"), fault.Fatal, "later version"},
		"fewer acks are refused with the reason":    {far, map[string]string{"acks": "1"}, fault.Fatal, "would lose"},
		"a TLS file without TLS":                    {near, map[string]string{"ssl.ca.location": "/ca.pem"}, fault.Fatal, "ssl.ca.location: a TLS setting"},
		"a certificate without its key":             {far, map[string]string{"ssl.certificate.location": "/c.pem"}, fault.Fatal, "only one of"},
		"an authority that is not there":            {far, map[string]string{"ssl.ca.location": "/no/ca.pem"}, fault.Fatal, "/no/ca.pem"},
		"verification skipped is told":              {far, map[string]string{"enable.ssl.certificate.verification": "false"}, fault.Warning, "whoever answers"},
		"names not compared is told":                {far, map[string]string{"ssl.endpoint.identification.algorithm": "none"}, fault.Warning, "any certificate"},
		"JAAS with a user beside it":                {far, login("sasl.jaas.config", `x.PlainLoginModule required username="u" password="canary";`), fault.Fatal, "beside sasl.username"},
		"JAAS names the mechanism PLAIN":            {far, map[string]string{"sasl.jaas.config": `x.PlainLoginModule required username="u" password="canary";`}, fault.Notice, ""},
		"JAAS of SCRAM does not say which":          {far, map[string]string{"sasl.jaas.config": `x.ScramLoginModule required username="u" password="canary";`}, fault.Fatal, "no mechanism"},
		"JAAS of PLAIN does not go with SCRAM":      {far, map[string]string{"sasl.mechanism": "SCRAM-SHA-256", "sasl.jaas.config": `x.PlainLoginModule required username="u" password="canary";`}, fault.Fatal, "does not go with"},
		"JAAS that cannot be read, without a value": {far, map[string]string{"sasl.jaas.config": `x.PlainLoginModule required username="u" password="canary`}, fault.Fatal, "closing quote"},
	} {
		t.Run(name, func(t *testing.T) {
			_, found := decode(c.broker, c.keys)
			if c.want == "" {
				if len(found) > 0 {
					t.Errorf("found %v", found)
				}
				return
			}
			if len(found) == 0 || found[0].Severity != c.severity || !strings.Contains(found[0].String(), c.want) {
				t.Errorf("found %v, want %q", found, c.want)
			}
			if strings.Contains(fmt.Sprint(found), "canary") {
				t.Errorf("the password is shown: %v", found)
			}
		})
	}
}

func TestPlainWithoutTLSToAnotherMachineHasToBeAskedFor(t *testing.T) {
	keys := map[string]string{"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "u", "sasl.password": "canary"}
	if _, found := decode("broker.example.com:9092", keys); found.Err() == nil || !strings.Contains(found.Error(), "PLAIN without TLS") {
		t.Errorf("found %v", found)
	}
	keys["sasl.plain.allow.cleartext"] = "true"
	if c, found := decode("broker.example.com:9092", keys); found.Err() != nil || len(found) != 2 {
		t.Errorf("asked for: %v", found)
	} else if strings.Contains(fmt.Sprintf("%v %+v %#v", c, c, c), "canary") {
		t.Error("the password prints")
	}
}

func TestTopicCreationTakesConnectsKeysAndAnySettingOfATopic(t *testing.T) {
	var c kafka.Creation
	found := configs.Decode(configs.FromMap("test", "shop", map[string]string{
		"topic.creation.default.partitions": "6", "topic.creation.default.replication.factor": "3",
		"topic.creation.default.cleanup.policy": "compact", "topic.creation.default.retention.ms": "-1"}), c.Definition())
	if len(found) > 0 {
		t.Fatal(found)
	}
	if got := c.String(); got != "partitions=6, replication.factor=3, cleanup.policy=compact, retention.ms=-1, and the brokers' defaults" {
		t.Errorf("%s", got)
	}
	if found := configs.Decode(configs.FromMap("test", "shop", map[string]string{"topic.creation.default.replication.factor": "0"}), c.Definition()); found.Err() == nil {
		t.Error("no replica at all was taken")
	}
}

func TestJAASIsReadAsTheJavaClientReadsIt(t *testing.T) {
	for text, want := range map[string]string{
		`org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";`:  "false u p",
		`org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="p" ;`: "true u p",
		"ScramLoginModule REQUIRED\n  username=u\n  password='p ;\"x'\n;":                              `true u p ;"x`,
		`PlainLoginModule required password="a\"b\\c" username = "ü";`:                                 `false ü a"b\c`,
		`PlainLoginModule required username="u" password="p"`:                                          "error",
		`PlainLoginModule required username="u" password="p"; more`:                                    "error",
		`PlainLoginModule optional username="u" password="p";`:                                         "error",
		`com.sun.security.auth.module.Krb5LoginModule required keyTab="k";`:                            "error",
		`PlainLoginModule required username "u";`:                                                      "error",
		`ScramLoginModule required username="u" password="p" tokenauth="true";`:                        "error",
		``:                                    "error",
		`;`:                                   "error",
		`PlainLoginModule required username=`: "error",
	} {
		isScram, user, password, err := kafka.ParseJAAS(text)
		got := fmt.Sprintln(isScram, user, password)
		if err != nil {
			got = "error\n"
		}
		if got != want+"\n" {
			t.Errorf("%s\n is %swant %s (%v)", text, got, want, err)
		}
	}
}

func FuzzJAAS(f *testing.F) {
	f.Add(`PlainLoginModule required username="u" password='p';`)
	f.Add(`ScramLoginModule required a=\`)
	f.Fuzz(func(t *testing.T, text string) {
		if _, user, password, err := kafka.ParseJAAS(text); err != nil && len(password) > 8 && strings.Contains(err.Error(), password) {
			t.Errorf("the error quotes the password of %q: %v", user, err)
		}
	})
}

// The keys in testdata were written by OpenSSL 3.0 with the password s3cret; plain.pem is the same key.
func TestEncryptedKeysOfOpenSSLAreRead(t *testing.T) {
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	want := string(read("plain.pem"))
	for _, name := range []string{"plain.pem", "aes-128-cbc.pem", "aes-192-cbc.pem", "aes-256-cbc.pem"} {
		got, err := kafka.DecryptKey(read(name), "s3cret")
		if err != nil || string(got) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct{ password, part string }{
		"aes-256-cbc.pem": {"wrong", "not its password"},
		"aes-128-cbc.pem": {"", "ssl.key.password is not set"},
		"old.pem":         {"s3cret", "old form"},
		"pbe1.pem":        {"s3cret", "not PBES2"},
		"scrypt.pem":      {"s3cret", "not PBKDF2"},
	} {
		if _, err := kafka.DecryptKey(read(name), c.password); err == nil || !strings.Contains(err.Error(), c.part) {
			t.Errorf("%s: %v, want %q", name, err, c.part)
		}
	}
}

func FuzzKey(f *testing.F) {
	for _, name := range []string{"aes-256-cbc.pem", "pbe1.pem", "scrypt.pem"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = kafka.DecryptKey(data, "s3cret") })
}
