package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/jackc/pglogrepl"

	"rdip/internal/fault"
)

// script puts messages one behind another, each behind its length in two bytes.
func script(messages ...[]byte) []byte {
	var b []byte
	for _, m := range messages {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(m))), m...)
	}
	return b
}

// of is a message of pgoutput: its type, and what follows it as big-endian numbers and texts.
func of(kind byte, fields ...any) []byte {
	var b bytes.Buffer
	b.WriteByte(kind)
	for _, field := range fields {
		if s, ok := field.(string); ok {
			b.WriteString(s)
			continue
		}
		_ = binary.Write(&b, binary.BigEndian, field) // to memory, of numbers
	}
	return b.Bytes()
}

// streamedSeeds are changes of a real server's log within the messages around transactions of protocol 2 to 4: one
// that is committed, one of which a subtransaction is rolled back, one that is prepared.
func streamedSeeds(log [][]byte) [][]byte {
	var changes [][]byte
	for _, payload := range log {
		m := payload[xlogHeaderBytes:]
		if len(m) > 512 { // large inputs are only slow
			continue
		}
		switch m[0] {
		case msgRelation, msgInsert, msgUpdate, msgDelete, msgTruncate, msgType:
			changes = append(changes, m)
		}
	}
	tagged := func(xid uint32) (all [][]byte) {
		for _, m := range changes {
			all = append(all, append(of(m[0], xid), m[1:]...))
		}
		return all
	}
	start, stop := of(msgStreamStart, uint32(7), uint8(1)), of(msgStreamStop)
	prepared := func(kind byte, flags ...any) []byte {
		return of(kind, append(flags, uint64(100), uint64(200), int64(1), uint32(7), "gid\x00")...)
	}
	commit := of(msgStreamCommit, uint32(7), uint8(0), uint64(300), uint64(301), int64(1))
	block := func(messages ...[]byte) [][]byte { return append(append([][]byte{start}, messages...), stop) }
	aborted := append(block(append(tagged(7), tagged(8)...)...), of(msgStreamAbort, uint32(7), uint32(8)), commit)
	aborted4 := append(block(tagged(9)...), of(msgStreamAbort, uint32(7), uint32(9), uint64(5), int64(6)), of(msgStreamAbort, uint32(7), uint32(7)))
	twoPhase := append([][]byte{prepared(msgBeginPrepare)}, changes...)
	twoPhase = append(twoPhase, prepared(msgPrepare, uint8(0)), prepared(msgCommitPrepared, uint8(0)))
	undone := append(block(tagged(7)...), prepared(msgStreamPrepare, uint8(0)),
		of(msgRollbackPrepared, uint8(0), uint64(100), uint64(200), int64(1), int64(2), uint32(7), "gid\x00"))
	again := append(block(tagged(7)[:3]...), of(msgStreamStart, uint32(7), uint8(0)))
	again = append(append(again, tagged(7)...), stop, commit)
	return [][]byte{script(append(block(tagged(7)...), commit)...), script(aborted...), script(aborted4...), script(twoPhase...), script(undone...), script(again...)}
}

// FuzzStreamedPgoutput puts arbitrary messages around and into transactions that are sent before they have ended.
// Nothing may panic; a refusal is permanent; what is handed over lies within what was kept; what is taken pglogrepl
// takes too; and when no transaction is kept any more, nothing is held for one.
func FuzzStreamedPgoutput(f *testing.F) {
	for _, seed := range streamedSeeds(loadCaptured(f)) {
		f.Add(seed)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &tally{}
		d := plainDecoder(c)
		d.spill = newSpill(&Config{Replication: Replication{SpillDir: dir, SpillMemory: 200, SpillMax: 1 << 30}})
		defer d.spill.close()
		for place := uint64(1); len(data) >= 2; place++ {
			n := min(int(binary.BigEndian.Uint16(data)), len(data)-2)
			m := data[2 : 2+n : 2+n]
			data = data[2+n:]
			inBlock, tagged := d.block != nil, d.tagged
			err := d.change
			if inBlock {
				err = d.gather
			}
			refused := err(place, m)
			if c.bad != "" {
				t.Fatal(c.bad)
			}
			var e *fault.Error
			if refused != nil {
				if !errors.As(refused, &e) || !e.Permanent {
					t.Fatalf("%v is no permanent fault", refused)
				}
				return
			}
			if parsesInPglogrepl(m[0]) {
				if _, err := pglogrepl.ParseV2(m, inBlock && tagged); err != nil && !pglogreplIsStricter(m[0]) {
					t.Fatalf("pglogrepl refuses %q, which ours takes: %v", m, err)
				}
			}
			if held := held(d.spill); held != d.spill.inside || len(d.spill.kept) == 0 && d.spill.inside+d.spill.onDisk != 0 {
				t.Fatalf("%d transactions hold %d bytes; counted are %d, and %d in files", len(d.spill.kept), held, d.spill.inside, d.spill.onDisk)
			}
		}
	})
}

func held(s *spill) (bytes int64) {
	for _, t := range s.kept {
		bytes += int64(len(t.buf))
	}
	return bytes
}

// parsesInPglogrepl are the messages around transactions that protocol version 2 has.
func parsesInPglogrepl(kind byte) bool {
	return bytes.IndexByte([]byte{msgStreamStart, msgStreamStop, msgStreamCommit, msgStreamAbort}, kind) >= 0
}

// pglogreplIsStricter: it knows the abort's form of version 2 alone.
func pglogreplIsStricter(kind byte) bool { return kind == msgStreamAbort }
