package kafkaserver

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// writeProperties writes a broker's server.properties.
func (b *Broker) writeProperties() error {
	all := b.baseProperties()
	b.addListeners(all)
	o := b.cluster.options
	if len(o.Users) > 0 {
		addSASL(all, o.Users)
	}
	if o.TLS {
		b.cluster.addTLS(all)
	}
	if o.ACLs {
		all["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
		all["super.users"] = strings.Join(append([]string{"User:ANONYMOUS"}, o.SuperUsers...), ";")
	}
	maps.Copy(all, o.Properties)
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&text, "%s=%s\n", key, strings.ReplaceAll(all[key], `\`, `\\`))
	}
	return os.WriteFile(b.propertiesFile(), []byte(text.String()), 0o600)
}

func (b *Broker) baseProperties() map[string]string {
	brokers := len(b.cluster.Brokers)
	replicas := strconv.Itoa(min(brokers, 3))
	inSync := strconv.Itoa(min(brokers, 2))
	return map[string]string{
		"process.roles":                            "broker,controller",
		"node.id":                                  strconv.Itoa(b.ID),
		"controller.listener.names":                controllerListener,
		"inter.broker.listener.name":               plainListener,
		"log.dirs":                                 b.dataDir(),
		"auto.create.topics.enable":                strconv.FormatBool(b.cluster.options.AutoCreate),
		"offsets.topic.replication.factor":         replicas,
		"offsets.topic.num.partitions":             "1",
		"transaction.state.log.replication.factor": replicas,
		"transaction.state.log.min.isr":            inSync,
		"transaction.state.log.num.partitions":     "1",
		"group.initial.rebalance.delay.ms":         "0",
		"broker.session.timeout.ms":                "4000", // a killed broker may come back after this long
		"broker.heartbeat.interval.ms":             "500",
		"num.io.threads":                           "2",
		"num.network.threads":                      "2",
		"log.cleaner.dedupe.buffer.size":           "8388608",
		"log.cleaner.threads":                      "1",
	}
}

func (b *Broker) addListeners(all map[string]string) {
	var bound, advertised, protocol, voters []string
	for _, name := range b.cluster.options.listeners() {
		address := fmt.Sprintf("%s://127.0.0.1:%d", name, b.ports[name])
		bound = append(bound, address)
		protocol = append(protocol, name+":"+protocols[name])
		switch name {
		case controllerListener:
		case proxiedListener:
			advertised = append(advertised, name+"://"+b.proxy.Addr())
		default:
			advertised = append(advertised, address)
		}
	}
	for _, other := range b.cluster.Brokers {
		voters = append(voters, fmt.Sprintf("%d@127.0.0.1:%d", other.ID, other.ports[controllerListener]))
	}
	all["listeners"] = strings.Join(bound, ",")
	all["advertised.listeners"] = strings.Join(advertised, ",")
	all["listener.security.protocol.map"] = strings.Join(protocol, ",")
	all["controller.quorum.voters"] = strings.Join(voters, ",")
}

// addSASL gives both SASL listeners the users. PLAIN reads them here; SCRAM's are made by the format.
func addSASL(all map[string]string, users map[string]string) {
	plain := "org.apache.kafka.common.security.plain.PlainLoginModule required"
	for _, name := range slices.Sorted(maps.Keys(users)) {
		plain += fmt.Sprintf(" user_%s=%q", name, users[name])
	}
	all["sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
	for _, listener := range []string{saslListener, saslTLSListener} {
		prefix := "listener.name." + strings.ToLower(listener) + "."
		all[prefix+"plain.sasl.jaas.config"] = plain + ";"
		for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
			all[prefix+mechanism+".sasl.jaas.config"] =
				"org.apache.kafka.common.security.scram.ScramLoginModule required;"
		}
	}
}

func (c *Cluster) addTLS(all map[string]string) {
	all["ssl.keystore.type"], all["ssl.truststore.type"] = "PEM", "PEM"
	all["ssl.keystore.location"] = c.keystore
	all["ssl.truststore.location"] = c.authority.CAFile
	if c.options.ClientCerts {
		all["listener.name."+strings.ToLower(tlsListener)+".ssl.client.auth"] = "required"
	}
}
