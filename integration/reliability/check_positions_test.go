package reliability

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"rdip/integration/harness"
)

// putPosition makes the topic of positions with one record of the connector.
func putPosition(t *testing.T, p *harness.Pipeline, policy, value string) {
	t.Helper()
	topic := p.Prefix + ".positions"
	if err := p.Kafka.CreateTopic(topic, 1, map[string]string{"cleanup.policy": policy}); err != nil {
		t.Fatal(err)
	}
	if value == "" {
		return
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(p.Kafka.Bootstrap()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	record := &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, `["shop",{"server":%q}]`, p.Prefix), Value: []byte(value)}
	if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// O6, K11: rdip check says from which position a start goes on, and takes nothing from a daemon that runs.
func TestACheckSaysFromWhichPositionAStartGoesOn(t *testing.T) {
	p := once(t)
	says := func(words ...string) {
		t.Helper()
		out := p.Command(t, harness.ExitDone, "check", p.File(t))
		for _, word := range words {
			if !strings.Contains(out, word) {
				t.Errorf("%q is not in\n%s", word, out)
			}
		}
		if len(words) == 0 && strings.Contains(out, "goes on") {
			t.Errorf("nothing was delivered yet, and it says\n%s", out)
		}
	}
	says()
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	says("has its position {\"lsn\":", "unless the state folder", "notice: state.dir")
	p.Insert(t, 1, 2)
	p.MustHold(t, 2, false)
	p.Converge(t)
	ends(t, d)
	says("has its position {\"lsn\":", ", from which it goes on\n")
	least := p.Configured("connectors.shop.exactly.once.support", "requested")
	d = least.Streaming(t)
	p.Insert(t, 3, 3)
	p.MustHold(t, 3, false)
	p.Converge(t)
	ends(t, d)
	says("the state folder a newer one, {\"lsn\":")
	p.Command(t, harness.ExitDone, "offsets", "reset", "shop", "--yes", "--drop-slot", "--config", p.File(t))
	d = p.Streaming(t)
	harness.SnapshotDone(t, d)
	ends(t, d)
	p.Command(t, harness.ExitDone, "offsets", "reset", "shop", "--yes", "--drop-slot", "--config", p.File(t))
	says("it was reset: what topic", "begins with a new snapshot")

	theirs := once(t)
	putPosition(t, theirs, "compact", `{"lsn_proc":4096,"messageType":"COMMIT","lsn_commit":4096,"lsn":4096,"txId":571,"ts_usec":1700000000000000}`)
	if out := theirs.Command(t, harness.ExitDone, "check", theirs.File(t)); !strings.Contains(out, "has a position of Debezium's, from which the connector goes on") {
		t.Errorf("of a position of Debezium's it says\n%s", out)
	}
}

// K11: what a start refuses of the topic of positions rdip check has said before, in the same words and with the same exit
// code.
func TestACheckSaysWhatAStartWillRefuseOfTheTopicOfPositions(t *testing.T) {
	for name, c := range map[string]struct {
		before func(t *testing.T, p *harness.Pipeline)
		code   int
		words  []string
		mends  bool // rdip offsets reset, which is named
	}{
		"a topic that is another one": {func(t *testing.T, p *harness.Pipeline) {
			t.Helper()
			ends(t, p.Streaming(t))
			p.Keys["offset.storage.topic"] = p.Prefix + ".others"
		}, harness.ExitPositionLost, []string{"has no position of it, and the state folder has a copy of one", "--accept-cluster"}, true},
		"a topic that was made anew": {func(t *testing.T, p *harness.Pipeline) {
			t.Helper()
			ends(t, p.Streaming(t))
			if err := p.Kafka.DeleteTopic(t.Context(), p.Prefix+".positions"); err != nil {
				t.Fatal(err)
			}
			harness.Eventually(t, "the topic to be gone", func() bool { _, _, ok, err := p.Kafka.Topic(p.Prefix + ".positions"); return err == nil && !ok })
			putPosition(t, p, "compact", "")
		}, harness.ExitPositionLost, []string{"it was deleted and made anew", "--accept-cluster"}, true},
		"a record that is damaged": {func(t *testing.T, p *harness.Pipeline) {
			t.Helper()
			putPosition(t, p, "compact", `{"lsn":4096,"rdip_record":"{\"format\":99}"}`)
		}, harness.ExitPositionLost, []string{": no checksum", "the value of [\"shop\"", "run the rdip that wrote it"}, true},
		"a record that is no JSON": {func(t *testing.T, p *harness.Pipeline) {
			t.Helper()
			putPosition(t, p, "compact", `nothing`)
		}, harness.ExitPositionLost, []string{"invalid character", "the value of [\"shop\"", "offsets reset shop"}, true},
		"a record of another class": {func(t *testing.T, p *harness.Pipeline) {
			t.Helper()
			putPosition(t, p, "compact", `{"file":"binlog.000003","pos":4}`)
		}, harness.ExitPositionLost, []string{"offsets set shop --lsn LSN"}, true},
		"a snapshot of Debezium's that was not complete": {func(t *testing.T, p *harness.Pipeline) {
			t.Helper()
			putPosition(t, p, "compact", `{"lsn":4096,"snapshot":"INITIAL","snapshot_completed":false}`)
		}, harness.ExitPositionLost, []string{"its snapshot was not complete", "offsets reset shop"}, true},
		"a topic that forgets": {func(t *testing.T, p *harness.Pipeline) {
			t.Helper()
			putPosition(t, p, "delete", "")
		}, harness.ExitPreflight, []string{"its cleanup.policy is delete", "--add-config cleanup.policy=compact"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := once(t)
			c.before(t, p)
			out := p.Command(t, c.code, "check", p.File(t))
			for _, word := range c.words {
				if !strings.Contains(out, word) {
					t.Errorf("%q is not in\n%s", word, out)
				}
			}
			p.Start(t).MustSay(t, c.code, c.words[0])
			if !c.mends {
				return
			}
			p.Command(t, harness.ExitDone, "offsets", "reset", "shop", "--yes", "--drop-slot", "--config", p.File(t))
			before := len(p.Records(t, "items"))
			d := p.Streaming(t)
			harness.SnapshotDone(t, d)
			p.Insert(t, 1, 1)
			harness.Eventually(t, "a new snapshot, and what comes behind it", func() bool { return len(p.Records(t, "items")) == before+2 })
			ends(t, d)
			if value := position(t, p); value["rdip_record"] == nil && p.Keys["offset.storage.topic"] == p.Prefix+".positions" {
				t.Errorf("the position is %v", value)
			}
		})
	}
}
