package postgres

import (
	"context"
	"slices"
	"testing"

	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/readers"
)

func TestADatabaseOfAnotherEncodingIsReadAsUTF8(t *testing.T) { // P65, G10
	server := testenv.Postgres(t, pgserver.Options{Version: 15})
	s := newOpenServer(t, server, "SELECT 1")
	s.exec(t, "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
	conn, err := server.Connect(t.Context(), "latin")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	s.sql, s.cfg.Database = conn, "latin"
	s.exec(t, "SET client_encoding = 'UTF8'")
	s.exec(t, `CREATE TABLE "Größe" (id int PRIMARY KEY, v text); INSERT INTO "Größe" VALUES (1, 'déjà vu ½')`)
	r, resume := s.open(t, readers.Stored{})
	if got := copied(t, r, 1).rows["public.Größe"]; !slices.Equal(got, []string{"r 1,déjà vu ½"}) {
		t.Errorf("the snapshot has %q", got)
	}
	s.exec(t, `INSERT INTO "Größe" VALUES (2, 'déjà vu ½')`)
	if got := s.streamed(t, r, resume.From); !slices.Equal(got, []string{"c public.Größe after(2,déjà vu ½)"}) {
		t.Errorf("the stream has %q", got)
	}
}
