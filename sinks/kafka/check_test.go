package kafka_test

import (
	"net"
	"strings"
	"testing"

	"rdip/internal/fault"
	"rdip/sinks/kafka"
	"rdip/sinks/sinktest"
)

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestACheckNamesEachBrokerThatCannotBeReached(t *testing.T) {
	one, two := closedPort(t), closedPort(t)
	p := open(t, kafka.NewConfig(one, two), partitions(1), sinktest.NewLedger().Ack)
	found := p.Check(soon(t), []string{"t"})
	if len(found) != 2 || !strings.Contains(found[0].Where, one) || !strings.Contains(found[1].Where, two) || found[0].Severity != fault.Fatal || found[0].Fix == "" {
		t.Errorf("found %v", found)
	}
	b := start(t)
	p = open(t, kafka.NewConfig(one, b.Addr()), partitions(1), sinktest.NewLedger().Ack)
	found = p.Check(soon(t), nil)
	if len(found) != 1 || found[0].Severity != fault.Warning || !strings.Contains(found[0].Where, one) {
		t.Errorf("one of two answers: found %v", found)
	}
	if _, err := p.Identity(soon(t)); err != nil {
		t.Errorf("one of two answers: %v", err)
	}
}

func TestABrokerWhoseNameIsNotKnownIsToldWithTheFix(t *testing.T) {
	p := open(t, kafka.NewConfig("nobody.invalid:9092"), partitions(1), sinktest.NewLedger().Ack) // RFC 2606
	found := p.Check(soon(t), nil)
	if len(found) != 1 || !strings.Contains(found[0].Seen, "nobody.invalid") || !strings.Contains(found[0].Fix, "bootstrap.servers") {
		t.Errorf("found %v", found)
	}
}

func TestAnUnreachableClusterIsAnErrorThatMayPass(t *testing.T) { // K1
	p := open(t, kafka.NewConfig(closedPort(t)), partitions(1), sinktest.NewLedger().Ack)
	for what, err := range map[string]error{
		"identity": func() error { _, err := p.Identity(soon(t)); return err }(),
		"prepare":  func() error { _, err := p.Prepare(soon(t), "t"); return err }(),
	} {
		if err == nil || fault.IsPermanent(err) || !strings.Contains(err.Error(), "bootstrap.servers") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestACheckFindsCollisionsAndMissingTopicsAndMakesNone(t *testing.T) { // K5, K8
	b := start(t)
	never := kafka.NewCreation()
	never.Enable = false
	p := open(t, kafka.NewConfig(b.Addr()), never, sinktest.NewLedger().Ack)
	found := p.Check(soon(t), []string{"a.b", "a_b", "ü"})
	var cases []string
	for _, f := range found {
		cases = append(cases, f.Case)
	}
	if got := strings.Join(cases, " "); got != "K8 K8 K5 K5" {
		t.Errorf("found %v", found)
	}
	if b.Cluster().TopicInfo("a.b") != nil {
		t.Error("the check made a topic")
	}
}
