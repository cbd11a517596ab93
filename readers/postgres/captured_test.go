package postgres

import (
	"slices"
	"testing"

	"rdip/internal/fault"
	"rdip/readers"
)

// P12: a partitioned table that has no partitions yet does not keep the others from being captured; one whose partitions
// are all left out is refused, since nothing of it would come.
func TestAPartitionedTableWithoutPartitionsIsNoReasonToRefuse(t *testing.T) {
	const bare = "; CREATE TABLE bare (id int PRIMARY KEY) PARTITION BY LIST (id); CREATE TABLE branch PARTITION OF bare FOR VALUES IN (1) PARTITION BY LIST (id)"
	s := onServer(t, 15, oneTable+bare)
	expectFinding(t, s.reader(t).Check(t.Context()), fault.Notice, "P12", "")
	r, resume := s.open(t, readers.Stored{})
	s.exec(t, "INSERT INTO t VALUES (60, 'x')")
	if got := s.streamed(t, r, resume.From); !slices.Equal(got, []string{"c public.t after(60,x)"}) {
		t.Errorf("the stream has %q", got)
	}

	left := onServer(t, 15, oneTable+bare+"; CREATE TABLE leaf PARTITION OF branch FOR VALUES IN (1)")
	left.cfg.TableExclude = patterns(t, `public\.leaf`)
	left.refuse(t, readers.Stored{}, fault.Preflight, "public.bare", "none of its partitions does", "publish.via.partition.root: true")
}
