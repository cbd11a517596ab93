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
//		connect(pg.DSN(pgserver.Superuser, db))
//	}
//
// A server with options (TLS, settings, crashes) is the test's own: testenv.Postgres(t,
// pgserver.Options{Version: 18, TLS: true}). The servers themselves are packages without a testing.TB,
// which rdip demo and the benchmarks use too: pgserver, kafkaserver, registryserver, foreign, proxy.
package testenv
