// Package testenv gives tests real servers: PostgreSQL 13 to 18, Apache Kafka, a schema registry and
// consumers that are not ours, and a TCP proxy that breaks connections. `make deps` installs them.
//
//	func TestMain(m *testing.M) { testenv.Main(m) } // stops what is shared, checks for goroutines
//
//	func TestRowsArrive(t *testing.T) {
//		pg := testenv.SharedPostgres(t, 15)  // started once in this process
//		db := testenv.Database(t, pg)        // a database of the test's own, dropped after it
//		if err := pg.Exec(t.Context(), db, "CREATE TABLE t(id int PRIMARY KEY)"); err != nil {
//			t.Fatal(err)
//		}
//		kafka := testenv.SharedKafka(t)      // one broker, for everybody, without security
//		prefix := testenv.Name("shop")       // nobody else's topics begin so
//		capture(pg.DSN(pgserver.Superuser, db), kafka.Bootstrap(), prefix)
//		records, err := kafka.Read(t.Context(), prefix+".public.t")
//	}
//
// A server with options (TLS, SASL, settings) or one that a test stops, kills or freezes is the test's
// own: testenv.Postgres(t, pgserver.Options{Version: 18, TLS: true}), testenv.Kafka(t,
// kafkaserver.Options{Proxied: true}). The servers themselves are packages without a testing.TB,
// which rdip demo and the benchmarks use too: pgserver, kafkaserver, registryserver, foreign, proxy.
package testenv
