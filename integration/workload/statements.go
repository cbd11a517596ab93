package workload

import (
	"fmt"
	"strings"

	"rdip/integration/judge"
)

// savepoint is some statements below a savepoint, which is then released or taken back.
func (w *writer) savepoint(note string) []string {
	end := "RELEASE s"
	if w.random.IntN(2) == 0 {
		note, end = judge.RolledBack, "ROLLBACK TO s"
	}
	statements := []string{"SAVEPOINT s"}
	for range 1 + w.random.IntN(3) {
		statements = append(statements, w.statement(note))
	}
	return append(statements, end)
}

func (w *writer) id() int { return 1 + w.random.IntN(120) }

// body is a value that is stored out of line.
func (w *writer) body() string {
	return strings.Repeat(fmt.Sprintf("%016x", w.random.Uint64()), 180)
}

// statement is one change of a row or a few, in one of the tables.
func (w *writer) statement(note string) string {
	id, other := w.id(), w.id()
	region := fmt.Sprintf("r%d", w.random.IntN(3))
	const version = "nextval('versions')"
	oneKeyless := fmt.Sprintf("(SELECT id FROM keyless ORDER BY id OFFSET %d LIMIT 1)", w.random.IntN(100))
	switch w.random.IntN(17) {
	case 0:
		return fmt.Sprintf("INSERT INTO single(id, version, note, amount) VALUES (%d, %s, '%s', %d) ON CONFLICT DO NOTHING", id, version, note, other)
	case 1, 2:
		return fmt.Sprintf("UPDATE single SET version = %s, note = '%s', amount = %d WHERE id = %d", version, note, other, id)
	case 3:
		return fmt.Sprintf("DELETE FROM single WHERE id = %d", id)
	case 4:
		return fmt.Sprintf("UPDATE single SET id = %d, version = %s, note = '%s' WHERE id = %d AND NOT EXISTS (SELECT FROM single WHERE id = %d)", 2000+other, version, note, id, 2000+other)
	case 5:
		return fmt.Sprintf("INSERT INTO composite VALUES ('%s', %d, %s, NULL) ON CONFLICT (region, id) DO UPDATE SET version = excluded.version, note = '%s'", region, id, version, note)
	case 6:
		return fmt.Sprintf("DELETE FROM composite WHERE id BETWEEN %d AND %d", id, id+2)
	case 7:
		return fmt.Sprintf("UPDATE composite SET region = 'x', version = %s, note = '%s' WHERE region = '%s' AND id = %d AND NOT EXISTS (SELECT FROM composite WHERE region = 'x' AND id = %d)", version, note, region, id, id)
	case 8:
		return fmt.Sprintf("INSERT INTO keyless SELECT nextval('keyless_ids'), %s, '%s' FROM generate_series(1, 2)", version, note)
	case 9:
		return fmt.Sprintf("UPDATE keyless SET version = %s, note = '%s' WHERE id = %s", version, note, oneKeyless)
	case 10:
		return "DELETE FROM keyless WHERE id = " + oneKeyless
	case 11:
		return fmt.Sprintf("INSERT INTO audited VALUES (%d, %s, '%s', '%s') ON CONFLICT (id) DO UPDATE SET version = excluded.version, note = excluded.note", id, version, note, w.body())
	case 12:
		return fmt.Sprintf("UPDATE audited SET id = %d, version = %s, note = '%s' WHERE id = %d AND NOT EXISTS (SELECT FROM audited WHERE id = %d)", other, version, note, id, other)
	case 13:
		return fmt.Sprintf("DELETE FROM audited WHERE id = %d", id)
	case 14:
		return fmt.Sprintf("INSERT INTO wide VALUES (%d, %s, '%s', '%s') ON CONFLICT (id) DO UPDATE SET version = excluded.version, body = excluded.body", id, version, note, w.body())
	case 15:
		return fmt.Sprintf("UPDATE wide SET version = %s, note = '%s' WHERE id BETWEEN %d AND %d", version, note, id, id+3)
	default:
		return fmt.Sprintf("DELETE FROM wide WHERE id = %d", id)
	}
}
