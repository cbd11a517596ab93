package envelope

import "encoding/json"

// Names of record headers. The first two are Debezium's, of a changed key; the others are rdip's own.
const (
	NewKeyHeader      = "__debezium.newkey"
	OldKeyHeader      = "__debezium.oldkey"
	BeforeHeader      = "__rdip.before"      // "key": of before, only the key's columns are facts
	UnavailableHeader = "__rdip.unavailable" // a JSON array of the columns of after that the log did not carry
)

// absentHeaders remembers the text for each set of absent columns that was seen, since a table has few.
type absentHeaders struct {
	byBits map[uint64][]byte
}

// Unavailable is the value of UnavailableHeader for a row, nil where every column is known. It is shared:
// read only. Tables of up to 64 columns allocate only for a set of columns not seen before.
func (x *Encoder) Unavailable(row Row) []byte {
	var bits uint64
	found := false
	for i := range row {
		if row[i].State == Absent && x.columns[i].carried() {
			found = true
			if i < 64 {
				bits |= 1 << i
			}
		}
	}
	if !found {
		return nil
	}
	if len(row) > 64 {
		return x.unavailable(row)
	}
	if text, ok := x.absent.byBits[bits]; ok {
		return text
	}
	if x.absent.byBits == nil || len(x.absent.byBits) > 1024 {
		x.absent.byBits = map[uint64][]byte{}
	}
	text := x.unavailable(row)
	x.absent.byBits[bits] = text
	return text
}

func (x *Encoder) unavailable(row Row) []byte {
	var names []string
	for i := range row {
		if row[i].State == Absent && x.columns[i].carried() {
			names = append(names, x.Layout.Table.Columns[i].Name)
		}
	}
	text, _ := json.Marshal(names) // strings always marshal
	return text
}
