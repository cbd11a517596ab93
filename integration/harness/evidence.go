package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rdip/integration/judge"
)

// evidence is what the judges need of one table: its topic, read with franz-go and goavro, and what the
// source's own tables say.
func (r *Run) evidence(t *testing.T, reader *TopicReader, table judge.Table) *judge.Evidence {
	t.Helper()
	conn, err := r.PG.Connect(t.Context(), r.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	e := &judge.Evidence{Table: table, Final: map[string]judge.Columns{}, Fields: map[string]bool{},
		CutOff: r.CutOff || r.rewritten(t), Added: slices.Contains(r.Added, table.Name), Exactly: r.Mode.Exactly}
	historyOf(t, conn, e)
	e.Letters = r.letters(t, table)
	topic := r.Prefix + ".public." + table.Name
	_, _, there, err := r.Kafka.Topic(topic)
	if err != nil {
		t.Fatal(err)
	}
	if there { // else the judges say what should be in it
		e.Partitions, e.Misfits = reader.read(t, r.Kafka, topic, table)
	}
	for i, records := range e.Partitions {
		e.Partitions[i] = after(r, topic, i, records)
	}
	jsonRows(t, conn, func(row [3]judge.Columns, _ [3]string) { e.Final[table.Key(row[0])] = row[0] },
		"SELECT to_jsonb(t) FROM "+pgx.Identifier{table.Name}.Sanitize()+" t")
	rows, err := conn.Query(t.Context(), "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped", pgx.Identifier{table.Name}.Sanitize())
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		e.Fields[judge.Lineage(name)] = true
	}
	return e
}

// historyOf reads what the triggers wrote; a changed key becomes a delete and a create.
func historyOf(t *testing.T, conn *pgx.Conn, e *judge.Evidence) {
	t.Helper()
	table := e.Table
	e.History = map[string][]judge.Committed{}
	add := func(c judge.Committed, op byte, row judge.Columns, fields string) {
		c.Op, c.Row, c.Fields = op, row, fields
		key := table.Key(row)
		e.History[key] = append(e.History[key], c)
	}
	jsonRows(t, conn, func(r [3]judge.Columns, fields [3]string) {
		head, before, after := r[0], r[1], r[2]
		tx, err := strconv.ParseInt(head["tx"], 10, 64)
		over, overErr := strconv.ParseInt(head["over"], 10, 64)
		if err := errors.Join(err, overErr); err != nil {
			t.Fatal(err)
		}
		c := judge.Committed{Tx: tx, Over: over}
		switch {
		case head["op"] == "R":
			e.ReadAgain = true
		case head["op"] == "T": // the file is another one too
			e.ReadAgain = true
			e.Truncates = append(e.Truncates, c)
		case head["op"] == "t":
			add(c, 't', before, fields[1])
		case head["op"] == "d":
			add(c, 'd', before, fields[1])
		case head["op"] == "c":
			add(c, 'c', after, fields[2])
		case table.Name != "keyless" && table.Key(before) != table.Key(after):
			add(c, 'd', before, fields[1])
			add(c, 'c', after, fields[2])
		default:
			add(c, 'u', after, fields[2])
		}
	}, "SELECT jsonb_build_object('op', op, 'tx', tx, 'over', over), before, after FROM history WHERE tbl = $1 ORDER BY seq", table.Name)
}

// rewritten says whether any table got another file: the copies of all tables may have been cut off by it (P69).
func (r *Run) rewritten(t *testing.T) bool {
	t.Helper()
	return r.Query(t, "SELECT EXISTS (SELECT FROM history WHERE op IN ('R', 'T'))::text") == "true"
}

// jsonRows reads rows of up to three JSON objects, each as text columns, with the names of the columns.
func jsonRows(t *testing.T, conn *pgx.Conn, each func(row [3]judge.Columns, fields [3]string), query string, args ...any) {
	t.Helper()
	rows, err := conn.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names := map[string]string{}
	for rows.Next() {
		var r [3]judge.Columns
		var fields [3]string
		for i, raw := range rows.RawValues() {
			if raw == nil {
				continue
			}
			object := jsonObject(t, raw)
			r[i], fields[i] = asText(object), fieldNames(names, object)
		}
		each(r, fields)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// jsonObject reads jsonb, whose binary form is a version byte before the text.
func jsonObject(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, []byte{1})))
	d.UseNumber()
	var row map[string]any
	if err := d.Decode(&row); err != nil {
		t.Fatal(err)
	}
	return row
}

// fieldNames are the names of an object's fields, sorted, one text for all objects that have the same.
func fieldNames(known map[string]string, object map[string]any) string {
	text := strings.Join(slices.Sorted(maps.Keys(object)), ",")
	if had, ok := known[text]; ok {
		return had
	}
	known[text] = text
	return text
}
