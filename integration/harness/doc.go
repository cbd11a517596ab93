// Package harness runs the rdip binary between real servers, as a user does, and gathers what lies in its topics: Setup and Daemon (one
// configuration, one process), Pipeline (one database with its topics), Run (a pipeline under the workload, and
// the judges' verdict over it).
//
//	r := harness.NewRun(t, 18)
//	w := workload.Start(t, r.PG, r.Database, r.Seed, 8*time.Millisecond)
//	d := r.Streaming(t)
//	r.Crash(t, harness.Crash{Point: failpoint.Produced, N: 3}, random)
//	w.Finish(t)
//	r.Converge(t)
//	r.Verdict(t) // fails the test, naming the judge
package harness
