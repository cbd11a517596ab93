package postgres

import (
	"context"
	"errors"
	"testing"
)

// P15, P59: columns that come and go while a publication is looked at are no column list; one that hides columns is.
func TestAColumnThatIsDroppedMeanwhileIsNoColumnList(t *testing.T) {
	s := onServer(t, 18, `CREATE TABLE busy(id int PRIMARY KEY, a int, b int);
		CREATE TABLE narrow(id int PRIMARY KEY, a int);
		CREATE PUBLICATION listed FOR TABLE busy, narrow (id)`)
	ctx, stop := context.WithCancel(t.Context())
	altered := make(chan error, 1)
	go func() {
		conn, err := s.server.Connect(t.Context(), s.cfg.Database)
		if err == nil {
			defer conn.Close(t.Context())
		}
		for err == nil && ctx.Err() == nil {
			_, err = conn.Exec(t.Context(), "ALTER TABLE busy DROP COLUMN b; ALTER TABLE busy ADD COLUMN b int")
		}
		altered <- err
	}()
	for range 300 {
		p, err := readPublication(t.Context(), s.sql, "listed")
		if err != nil {
			t.Fatal(err)
		}
		if p.Tables["public.busy"].Columns || !p.Tables["public.narrow"].Columns {
			t.Fatalf("the tables are %+v", p.Tables)
		}
	}
	stop()
	if err := <-altered; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
