package postgres

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rdip/internal/fault"
)

// modelled is one change as the model of a spilled transaction has it.
type modelled struct {
	sub  uint32
	text string
}

// P34: whatever subtransactions nest, end and are rolled back, what is left is exactly the work of those that
// were not, and every description of a relation.
func TestARolledBackSubtransactionIsCutOutExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// xids wrap around
		const top = ^uint32(3)
		s := newSpill(&Config{Replication: Replication{SpillDir: "", SpillMemory: 1 << 20, SpillMax: 1 << 20}})
		defer s.close()
		kept := s.open(top)
		var want []modelled
		stack, next := []uint32{top}, top
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			now := stack[len(stack)-1]
			switch rapid.SampledFrom([]string{"change", "change", "begin", "release", "abort"}).Draw(t, "step") {
			case "change":
				text := fmt.Sprintf("Ichange %d", i)
				if err := s.keep(kept, now, uint64(i), spillChange, []byte(text)); err != nil {
					t.Fatal(err)
				}
				want = append(want, modelled{now, text})
			case "begin":
				next++
				stack = append(stack, next)
			case "release": // the parent's abort will roll it back too
				if len(stack) > 1 {
					stack = stack[:len(stack)-1]
				}
			case "abort":
				if len(stack) == 1 {
					continue
				}
				// the server names the subtransactions below first, then it
				for sub := now; sub != next+1; sub++ {
					if err := s.cut(kept, sub); err != nil {
						t.Fatal(err)
					}
				}
				stack = stack[:len(stack)-1]
				want = slices.DeleteFunc(want, func(m modelled) bool { return int32(m.sub-now) >= 0 && m.sub != top })
			}
		}
		var got []string
		if err := s.replay(kept, func(r spillRecord) error { got = append(got, string(r.Content)); return nil }); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("%q are left, want %v", got, want)
		}
		for i := range got {
			if got[i] != want[i].text {
				t.Fatalf("%q are left, want %v", got, want)
			}
		}
	})
}

func relationOf(oid uint32, version byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{msgRelation}, oid), version)
}

// The server sends a relation once a transaction, in whichever subtransaction it is first changed.
func TestARelationDescribedInARolledBackSubtransactionIsStillKnown(t *testing.T) {
	for name, memory := range map[string]int64{"in memory": 1 << 20, "in a file": 0} {
		t.Run(name, func(t *testing.T) {
			s := newSpill(&Config{Replication: Replication{SpillDir: t.TempDir() + "/spill", SpillMemory: memory, SpillMax: 1 << 20}})
			defer s.close()
			kept := s.open(10)
			for _, one := range []struct {
				sub  uint32
				text []byte
			}{{10, []byte("Itop")}, {11, []byte("Iparent")}, {12, relationOf(7, 'a')}, {12, []byte("Ichild")}, {12, relationOf(7, 'b')}} {
				if err := s.keep(kept, one.sub, 1, spillChange, one.text); err != nil {
					t.Fatal(err)
				}
			}
			read := func() (got []string) {
				if err := s.replay(kept, func(r spillRecord) error { got = append(got, string(r.Content)); return nil }); err != nil {
					t.Fatal(err)
				}
				return got
			}
			b := string(relationOf(7, 'b'))
			for _, step := range []struct {
				cut  uint32
				want []string
			}{{12, []string{"Itop", "Iparent", b}}, {11, []string{"Itop", b}}, {11, []string{"Itop", b}}} {
				if err := s.cut(kept, step.cut); err != nil {
					t.Fatal(err)
				}
				if got := read(); !slices.Equal(got, step.want) {
					t.Errorf("behind the abort of %d: %q, want %q", step.cut, got, step.want)
				}
			}
			if want := int64(0); memory == 0 && s.inside != want {
				t.Errorf("%d bytes are counted in memory", s.inside)
			}
			s.drop(kept)
			if s.inside != 0 || s.onDisk != 0 {
				t.Errorf("%d bytes in memory and %d in files are counted of nothing", s.inside, s.onDisk)
			}
		})
	}
}

func TestAFolderThatCannotBeWrittenIsATransientErrorByName(t *testing.T) { // disk full, P33
	for dir, word := range map[string]string{"/dev/null/spill": "not a directory", "/dev/full": "not a directory"} {
		s := newSpill(&Config{Replication: Replication{SpillDir: dir, SpillMemory: 0, SpillMax: 1 << 20}})
		err := s.keep(s.open(5), 5, 1, spillChange, []byte("I"))
		expectFault(t, err, fault.Runtime, false, "transaction 5", dir, word, "streaming: off")
	}
}
