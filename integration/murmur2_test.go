package integration

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rdip/integration/testenv"
	"rdip/integration/testenv/component"
	"rdip/sinks/kafka"
)

// Kafka's own Java producer is the judge: keys of every length from 0 to 64 bytes, twice.
func TestKeysGoWhereKafkasJavaProducerSendsThem(t *testing.T) {
	c := testenv.SharedKafka(t)
	jars := needJavaCompiler(t)
	const partitions = 13
	topic := testenv.Topic(t, c, partitions)
	random := rand.New(rand.NewPCG(1, 2))
	var lines strings.Builder
	const keys = 130
	for i := range keys {
		key := make([]byte, i/2)
		for j := range key {
			key[j] = byte(random.Uint32())
		}
		lines.WriteString(hex.EncodeToString(key) + "\n")
	}
	java, _ := component.Java().Path()
	produce := exec.CommandContext(t.Context(), java, "-cp", filepath.Join(jars, "*"), "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		filepath.Join("testdata", "murmur2", "Produce.java"), c.Bootstrap(), topic)
	produce.Stdin = strings.NewReader(lines.String())
	if out, err := produce.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	records, err := c.Read(t.Context(), topic)
	if err != nil || len(records) != keys {
		t.Fatalf("%d records of %d: %v", len(records), keys, err)
	}
	for _, r := range records {
		if got := kafka.Partition(bytes.Clone(r.Key), partitions); got != r.Partition {
			t.Errorf("key %x goes to partition %d, Java sends it to %d", r.Key, got, r.Partition)
		}
	}
}

// needJavaCompiler is the folder of Kafka's jars, where Java can compile what uses them.
func needJavaCompiler(t *testing.T) string {
	t.Helper()
	testenv.Need(t, component.Java(), component.JavaCompiler(), component.Kafka())
	jars, err := component.Kafka().Path()
	if err != nil {
		t.Fatal(err)
	}
	return jars
}
