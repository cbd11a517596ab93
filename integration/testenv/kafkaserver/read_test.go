package kafkaserver

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A reader of committed records sees neither what was aborted nor what is still open, also where a transaction's
// marker is the last thing in a partition.
func TestReadGivesWhatAConsumerOfCommittedRecordsGets(t *testing.T) {
	c := start(t, Options{})
	mustCreate(t, c, "t")
	writer, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()), kgo.TransactionalID("writer"), kgo.DefaultProduceTopic("t"))
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	send := func(text string) {
		t.Helper()
		if err := writer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := writer.ProduceSync(t.Context(), kgo.StringRecord(text)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	want := ""
	for _, step := range []struct {
		text string
		end  kgo.TransactionEndTry
	}{{"one", kgo.TryCommit}, {"aborted", kgo.TryAbort}, {"two", kgo.TryCommit}, {"aborted too", kgo.TryAbort}} {
		send(step.text)
		if step.text == "two" && mustRead(t, c, "t") != want {
			t.Errorf("while %s is open the topic holds it", step.text)
		}
		if err := writer.EndTransaction(context.Background(), step.end); err != nil {
			t.Fatal(err)
		}
		if step.end == kgo.TryCommit {
			want += step.text + ";"
		}
		if got := mustRead(t, c, "t"); got != want {
			t.Errorf("after %s the topic holds %q, want %q", step.text, got, want)
		}
	}
}
