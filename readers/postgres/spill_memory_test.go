package postgres

import "testing"

// G8, P33: one large row among the changes of a transaction in progress does not leave its size behind, and what is in
// memory stays within its bound for any number of transactions.
func TestALargeRowThatIsSpilledLeavesNoLargeBufferBehind(t *testing.T) {
	const memory = 1 << 20
	s := newSpill(&Config{Replication: Replication{SpillDir: t.TempDir() + "/spill", SpillMemory: memory, SpillMax: 1 << 30}})
	defer s.close()
	small, large := make([]byte, 100), make([]byte, 16*memory)
	for xid := range uint32(20) {
		kept := s.open(xid + 1)
		for i := range 2000 {
			row := small
			if i == 1000 {
				row = large
			}
			if err := s.keep(kept, xid+1, 1, spillChange, row); err != nil {
				t.Fatal(err)
			}
		}
	}
	held := cap(s.spare)
	for _, kept := range s.kept {
		held += cap(kept.buf)
	}
	if held > 2*memory || s.inside > memory {
		t.Errorf("%d bytes of buffers are held for %d bytes of changes, %d are allowed", held, s.inside, memory)
	}
	for _, kept := range s.kept {
		at := 0
		err := s.replay(kept, func(r spillRecord) error {
			want := len(small)
			if at == 1000 {
				want = len(large)
			}
			if len(r.Content) != want {
				t.Fatalf("record %d of transaction %d has %d bytes, want %d", at, kept.xid, len(r.Content), want)
			}
			at++
			return nil
		})
		if err != nil || at != 2000 {
			t.Errorf("%d records are read back: %v", at, err)
		}
	}
}

// G8: a transaction that has little in memory takes no more than little.
func TestTransactionsThatAreKeptTogetherTakeNoMoreMemoryThanTheyMay(t *testing.T) {
	const memory = 1 << 20
	s := newSpill(&Config{Replication: Replication{SpillDir: t.TempDir() + "/spill", SpillMemory: memory, SpillMax: 1 << 30}})
	defer s.close()
	row := make([]byte, 1000)
	large := s.open(1)
	for xid := range uint32(50) {
		for once := true; once || large.buf != nil; once = false { // until it went to its file
			if err := s.keep(large, 1, 1, spillChange, row); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.keep(s.open(xid+2), xid+2, 1, spillChange, row); err != nil {
			t.Fatal(err)
		}
	}
	held := cap(s.spare)
	for _, kept := range s.kept {
		held += cap(kept.buf)
	}
	if held > 4*memory {
		t.Errorf("%d bytes of buffers are held for %d bytes of changes, %d are allowed", held, s.inside, memory)
	}
}
