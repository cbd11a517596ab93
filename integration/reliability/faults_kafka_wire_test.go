package reliability

import (
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/proxy"
)

// wireFaults are those of the connections to a broker that itself is well.
func wireFaults() []fault {
	return []fault{
		{name: "connections to the broker are reset in the middle of requests", modes: both, // K1
			proves: "whatever part of requests and answers a reset cuts off, each batch is appended once, in order",
			not:    "at which byte: resets come at random moments, halved requests are the next but one",
			run: func(t *testing.T, mode harness.Mode) {
				brokenWire(t, mode, func(p *proxy.Proxy) { p.Reset() })
			}},
		{name: "answers are lost after the broker has appended", modes: both, // K1, K3
			proves: "a batch that was appended and not acknowledged is sent again under the same sequence number, and the broker drops it",
			not:    "more than five such batches at once in a partition, which the broker could not tell: there is one in flight",
			run: func(t *testing.T, mode harness.Mode) {
				brokenWire(t, mode, func(p *proxy.Proxy) { p.LoseAnswers(); time.Sleep(60 * time.Millisecond); p.Pass() })
			}},
		{name: "requests arrive by half", modes: both, // K1
			proves: "of a request whose connection ends in its middle nothing is appended, and all of it is sent again",
			not:    "bytes that change on the way, which checksums are for",
			run: func(t *testing.T, mode harness.Mode) {
				brokenWire(t, mode, func(p *proxy.Proxy) { p.HalveRequests(); time.Sleep(60 * time.Millisecond); p.Pass() })
			}},
		{name: "the network to the broker is slow and stalls", modes: both, // K1
			proves: "late answers, later than request.timeout.ms among them, neither lose nor repeat anything",
			not:    "packets that vanish in one direction only",
			run: func(t *testing.T, mode harness.Mode) {
				n := 0
				brokenWire(t, mode, func(p *proxy.Proxy) {
					if n++; n%10 == 0 {
						p.Stall()
						time.Sleep(8 * time.Second) // an answer is waited for 5 s longer than the broker may take
					}
					p.Delay(time.Duration(n%5) * 20 * time.Millisecond)
				})
			}},
	}
}

// brokenWire does something to the connections twenty times under load.
func brokenWire(t *testing.T, mode harness.Mode, do func(*proxy.Proxy)) {
	kafka := testenv.Kafka(t, kafkaserver.Options{Proxied: true})
	l := load(t, mode.Run(t, testenv.SharedPostgres(t, 18), kafka), "bootstrap.servers", kafka.ProxiedBootstrap())
	p := kafka.Brokers[0].Proxy()
	before := p.Accepted()
	for range 20 {
		time.Sleep(200 * time.Millisecond)
		do(p)
		l.Faulted(1)
	}
	p.Pass()
	if p.Accepted() == before {
		t.Error("no connection was made again: nothing went wrong")
	}
	l.goesOn(t, 500*time.Millisecond)
	l.endWithoutRepeats(t)
}
