package postgres

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
	"rdip/readers"
)

func TestADatabaseOfAnotherEncodingIsReadAsUTF8(t *testing.T) { // P65, G10
	for encoding, text := range map[string]string{"LATIN1": "déjà vu ½", "EUC_JP": "日本語 ｱｲｳ", "WIN1251": "Ёлка №"} {
		t.Run(encoding, func(t *testing.T) {
			s := inEncoding(t, encoding)
			s.exec(t, fmt.Sprintf(`CREATE TABLE "%s" (id int PRIMARY KEY, v text); INSERT INTO "%[1]s" VALUES (1, '%[1]s')`, text))
			r, resume := s.open(t, readers.Stored{})
			if got := copied(t, r, 1).rows["public."+text]; !slices.Equal(got, []string{"r 1," + text}) {
				t.Errorf("the snapshot has %q", got)
			}
			s.exec(t, fmt.Sprintf(`INSERT INTO "%s" VALUES (2, '%[1]s')`, text))
			if got := s.streamed(t, r, resume.From); !slices.Equal(got, []string{fmt.Sprintf("c public.%s after(2,%[1]s)", text)}) {
				t.Errorf("the stream has %q", got)
			}
		})
	}
}

// P65: what the server cannot say in UTF-8 stops by name, and is no other text.
func TestACharacterWithoutAPlaceInUTF8IsRefusedByName(t *testing.T) {
	s := inEncoding(t, "WIN1251")
	s.exec(t, "CREATE TABLE t (id int PRIMARY KEY, v text)")
	r, resume := s.open(t, readers.Stored{})
	s.exec(t, `INSERT INTO t VALUES (1, convert_from('\x98', 'WIN1251'))`)
	expectFault(t, r.Stream(t.Context(), resume.From, &recorder{}), fault.Runtime, true, "22P05", "WIN1251", "mend the rows", "rdip offsets reset CONNECTOR")
}

// inEncoding is a database of that encoding on a server of its own.
func inEncoding(t *testing.T, encoding string) *openServer {
	t.Helper()
	server := testenv.Postgres(t, pgserver.Options{Version: 15})
	s := newOpenServer(t, server, "SELECT 1")
	s.exec(t, "CREATE DATABASE other TEMPLATE template0 ENCODING '"+encoding+"' LOCALE 'C'")
	conn, err := server.Connect(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	s.sql, s.cfg.Database = conn, "other"
	s.exec(t, "SET client_encoding = 'UTF8'")
	return s
}
