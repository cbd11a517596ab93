// Package testenv gives tests real servers: PostgreSQL 13 to 18, Apache Kafka, a schema registry and
// consumers that are not ours, PostgreSQL with PostGIS and pgvector (SharedExtensions), and a TCP proxy that breaks connections. `make deps` installs them.
//
//	func TestMain(m *testing.M) { testenv.Main(m) } // stops what is shared, checks for goroutines
//
//	func TestRowsArrive(t *testing.T) {
//		pg := testenv.SharedPostgres(t, 15)  // started once in this process
//		db := testenv.Database(t, pg)        // a database of the test's own, dropped with its slots
//		if err := pg.Exec(t.Context(), db, "CREATE TABLE t(id int PRIMARY KEY)"); err != nil {
//			t.Fatal(err)
//		}
//		kafka := testenv.SharedKafka(t)      // one broker, plaintext; topics are not made by themselves
//		registry := testenv.SharedRegistry(t)
//		prefix := testenv.Name("shop")       // nobody else's topics, slots or publications begin so
//		capture(pg.DSN(pgserver.Superuser, db), kafka.Bootstrap(), registry.URL(), prefix)
//		records, err := kafka.Read(t.Context(), prefix+".public.t") // committed ones, as bytes
//		decoded := testenv.Consume(t, foreign.Request{              // by Confluent's client
//			Bootstrap: kafka.Bootstrap(), Registry: registry.URL(), Topics: []string{prefix + ".public.t"}})
//	}
//
// A server with options, or one that a test stops, kills or freezes, is the test's own and ends with it:
//
//	pg := testenv.Postgres(t, pgserver.Options{Version: 18, TLS: true})
//	pg.Kill(); pg.Start(ctx)                                  // a crash and its recovery, same port
//	kafka := testenv.Kafka(t, kafkaserver.Options{Proxied: true})
//	kafka.Pause()                                             // frozen until Resume
//	kafka.Brokers[0].Proxy().Stall()                          // clients of kafka.ProxiedBootstrap()
//	p := testenv.Proxy(t, pg.Addr()); p.Blackhole()           // Cut, Stall, Delay, Reset, Pass
//	c := testenv.Cable(t); testenv.ProxyBehind(t, c, pg.Addr())
//	c.Unplug(); c.Plug()                                      // packets vanish: no reset, no end; needs root
//
// Clusters that are copies of one template share PostgreSQL's system identifier; pgserver.Options.Fresh
// makes another. A component that is not installed skips the test, and fails it with CI=true: Need.
//
// The servers themselves are packages below this one that know no testing.TB, for the demo and the
// benchmarks too: pgserver, kafkaserver, registryserver, foreign, proxy. The demo starts PostgreSQL so:
//
//	if _, _, ok := component.NewestPostgres(14); !ok {
//		err := component.FetchPostgres(ctx, 18, os.Stderr) // once, into the cache
//	}
//	server, err := pgserver.Start(ctx, pgserver.Options{}) // the newest that is found
//	defer server.Close()
package testenv
