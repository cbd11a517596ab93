package offsets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
	"unicode/utf8"
)

// Format is the version of what this package writes, of the file and of each record in it. A newer one is
// refused, an older one is brought up to it when the file is opened.
const Format = 3

// Record is all that must outlive a crash of one connector.
type Record struct {
	Format int // what wrote it; Put sets it
	// Identity is the source's own, as readers.Resume gives it, so that another or a restored server is
	// noticed (P60 to P62).
	Identity string
	Cluster  string            // the Kafka cluster's id
	Topics   map[string]string // topic to topic id: a topic deleted and made anew is another one (K11)
	// Position is the source's own text (JSON), as readers.Reader.EncodePosition gives it; Place is its
	// Position.Place, by which Put refuses to go back.
	Position string
	Place    uint64
	// SnapshotDone: the initial snapshot was finished, or was not asked for.
	SnapshotDone     bool
	SnapshotStarted  time.Time
	SnapshotFinished time.Time
	// Tables: each captured table has a TableSnapshot beside the record. False until the first start of a rdip
	// that keeps them.
	Tables bool
	// Stopped holds, for each table that was given up while the others go on, the commit at which it was.
	Stopped map[string]StoppedTable
	Signals Signals
	// ExactlyOnce: this is a copy of what the topic of positions in Kafka says, which is the truth. False: the
	// file is, and was written later than the topic, if there is one.
	ExactlyOnce bool
	// InTopic: this is no copy any more, and the topic has an older one, which is void where this is forgotten.
	InTopic bool
	// ByHand: a person set the position, and no connector has run since.
	ByHand  bool
	Updated time.Time // Put sets it
}

// StoppedTable is where and why a table stopped; what it missed lies between Position and the record's.
type StoppedTable struct {
	Position string
	Place    uint64
	Reason   string
	// Rows of the table, of the transaction whose commit is at Within, were delivered before it stopped, which is
	// known where the delivery is exactly once.
	Within uint64
	Rows   int64
}

// The names in the file. They are part of Format.
type recordJSON struct {
	Format           int                    `json:"format"`
	Identity         jsonText               `json:"identity,omitempty"`
	Position         jsonText               `json:"position,omitempty"`
	Place            uint64                 `json:"place"`
	SnapshotDone     bool                   `json:"snapshot_done"`
	SnapshotStarted  time.Time              `json:"snapshot_started,omitzero"`
	SnapshotFinished time.Time              `json:"snapshot_finished,omitzero"`
	Tables           bool                   `json:"tables,omitempty"`
	Stopped          map[string]stoppedJSON `json:"stopped_tables,omitempty"`
	Cluster          string                 `json:"kafka_cluster,omitempty"`
	Topics           map[string]string      `json:"topic_ids,omitempty"`
	Signals          Signals                `json:"signals,omitzero"`
	ExactlyOnce      bool                   `json:"exactly_once,omitempty"`
	InTopic          bool                   `json:"in_topic,omitempty"`
	ByHand           bool                   `json:"by_hand,omitempty"`
	Updated          time.Time              `json:"updated,omitzero"`
}

type stoppedJSON struct {
	Position jsonText `json:"position,omitempty"`
	Place    uint64   `json:"place"`
	Reason   string   `json:"reason"`
	Within   uint64   `json:"within,omitempty"`
	Rows     int64    `json:"rows,omitempty"`
}

// jsonText is a string that mostly is a JSON object already. It is then written as that object, so that a
// person can read the file; every other text is written as a JSON string. Both come back byte for byte.
type jsonText string

func (t jsonText) MarshalJSON() ([]byte, error) {
	var compact bytes.Buffer
	if t != "" && t[0] == '{' && json.Compact(&compact, []byte(t)) == nil && compact.String() == string(t) {
		return []byte(t), nil
	}
	return marshal(string(t))
}

func (t *jsonText) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		*t = jsonText(b)
		return nil
	}
	return json.Unmarshal(b, (*string)(t))
}

// encodeRecord gives the connector's record as the file holds it: JSON and a checksum.
func encodeRecord(connector string, r Record) ([]byte, error) {
	w := recordJSON{
		Format: r.Format, Identity: jsonText(r.Identity), Cluster: r.Cluster, Topics: r.Topics,
		Position: jsonText(r.Position), Place: r.Place, SnapshotDone: r.SnapshotDone,
		SnapshotStarted: r.SnapshotStarted.UTC(), SnapshotFinished: r.SnapshotFinished.UTC(), Updated: r.Updated.UTC(), Tables: r.Tables, Signals: r.Signals,
		ExactlyOnce: r.ExactlyOnce, InTopic: r.InTopic, ByHand: r.ByHand,
	}
	for table, s := range r.Stopped {
		if w.Stopped == nil {
			w.Stopped = make(map[string]stoppedJSON, len(r.Stopped))
		}
		w.Stopped[table] = stoppedJSON{Position: jsonText(s.Position), Place: s.Place, Reason: s.Reason, Within: s.Within, Rows: s.Rows}
	}
	if !utf8.ValidString(r.Identity) || !utf8.ValidString(r.Position) {
		return nil, errors.New("position or identity is not UTF-8")
	}
	return sealJSON([]byte(connector), w)
}

// decodeRecord is the inverse of encodeRecord. It refuses what it would not write: a wrong checksum, an
// unknown field, a newer format.
func decodeRecord(connector string, value []byte) (Record, error) {
	body, err := unsealed([]byte(connector), value)
	if err != nil {
		return Record{}, err
	}
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(body, &version); err != nil {
		return Record{}, err
	}
	if err := checkFormat(version.Format); err != nil {
		return Record{}, err
	}
	var w recordJSON
	if err := unmarshalStrict(body, &w); err != nil {
		return Record{}, err
	}
	r := Record{
		Format: w.Format, Identity: string(w.Identity), Cluster: w.Cluster, Topics: w.Topics,
		Position: string(w.Position), Place: w.Place, SnapshotDone: w.SnapshotDone,
		SnapshotStarted: w.SnapshotStarted, SnapshotFinished: w.SnapshotFinished, Updated: w.Updated, Tables: w.Tables, Signals: w.Signals,
		ExactlyOnce: w.ExactlyOnce, InTopic: w.InTopic, ByHand: w.ByHand,
	}
	for table, s := range w.Stopped {
		if r.Stopped == nil {
			r.Stopped = make(map[string]StoppedTable, len(w.Stopped))
		}
		r.Stopped[table] = StoppedTable{Position: string(s.Position), Place: s.Place, Reason: s.Reason, Within: s.Within, Rows: s.Rows}
	}
	return r, nil
}

// A value in the file is one line of JSON and a line with the CRC-32C of its key, a zero byte and the JSON,
// since bbolt sums its header only: a flipped bit in a position would skip events, and one in a connector's
// name would make it a new one.
const sumPrefix = "crc32c "

// errNotText: positions and plans stand in the JSON as their source wrote them.
var errNotText = errors.New("it is not UTF-8")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(key, body []byte) uint32 {
	sum := crc32.Update(0, castagnoli, key)
	sum = crc32.Update(sum, castagnoli, []byte{0})
	return crc32.Update(sum, castagnoli, body)
}

func sealJSON(key []byte, v any) ([]byte, error) {
	body, err := marshal(v)
	if err == nil && !utf8.Valid(body) {
		err = errNotText
	}
	if err != nil {
		return nil, err
	}
	return appendSum(key, body), nil
}

func appendSum(key, body []byte) []byte {
	return fmt.Appendf(body, "\n%s%08x\n", sumPrefix, checksum(key, body))
}

func unsealed(key, value []byte) ([]byte, error) {
	body, sum, ok := bytes.Cut(value, []byte("\n"))
	if !ok {
		return nil, errors.New("no checksum")
	}
	if want := fmt.Sprintf("%s%08x\n", sumPrefix, checksum(key, body)); string(sum) != want {
		return nil, fmt.Errorf("checksum %q, and the content's is %q", bytes.TrimSpace(sum), want[:len(want)-1])
	}
	if !utf8.Valid(body) {
		return nil, errNotText
	}
	return body, nil
}

// marshal is json.Marshal without the escapes that are for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func unmarshalStrict(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}
