// Package harness runs the rdip binary between real servers, as a user does, and gathers what lies in its topics: Setup
// and Daemon (one configuration, one process), Pipeline (one database with its topics), Mode (a promise of delivery),
// Run (a pipeline under the workload, and the judges' verdict over it). A package whose TestMain calls Main prints the
// table of its verdicts.
//
//	r := harness.ExactlyOnce.Run(t, pg, kafka)
//	r.Tags = []string{"failpoints"}
//	w := workload.Start(t, r.PG, r.Database, r.Seed, 8*time.Millisecond)
//	r.Crash(t, harness.Crash{Point: failpoint.Produced, N: 3}, random)
//	w.Finish(t)
//	r.Streaming(t)
//	r.Converge(t) // the snapshot is read, the slot has confirmed all
//	r.Verdict(t) // fails the test, naming the judge
package harness
