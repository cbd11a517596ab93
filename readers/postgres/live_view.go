package postgres

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rdip/envelope"
)

// view is what a snapshot shows, as pg_current_snapshot says it: everything below xmin, and up to xmax what is
// not in running. The ids have 64 bits, those of the log 32.
type view struct {
	tx         envelope.Transaction
	xmin, xmax uint64
	running    []uint64 // in order
	// replayed is, on a standby, what was replayed before the snapshot was taken, and so is seen. A snapshot does
	// not list there what is running (GetSnapshotData keeps it apart, in subxip), but the log is decoded only when
	// it was replayed, so that P67 cannot happen. 0 on a primary.
	replayed uint64
}

// parseView reads xmin:xmax:xid,xid,... (pg_snapshot_out in xid8funcs.c).
func parseView(text string) (*view, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("%q is no snapshot, such as 10:20:10,14", text)
	}
	v := &view{}
	var err error
	if v.xmin, err = strconv.ParseUint(parts[0], 10, 64); err != nil {
		return nil, fmt.Errorf("%q is no snapshot: %w", text, err)
	}
	if v.xmax, err = strconv.ParseUint(parts[1], 10, 64); err != nil {
		return nil, fmt.Errorf("%q is no snapshot: %w", text, err)
	}
	for id := range strings.SplitSeq(parts[2], ",") {
		if id == "" {
			continue
		}
		n, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no snapshot: %w", text, err)
		}
		v.running = append(v.running, n)
	}
	slices.Sort(v.running)
	return v, nil
}

// Transaction describes the snapshot: when it was taken, its xmin, and the end of the log a moment before.
func (v *view) Transaction() envelope.Transaction { return v.tx }

// Sees says whether a committed transaction's effects are in the snapshot. id is the log's, of 32 bits: no
// transaction that the log still delivers is 2^31 ids away from the snapshot's newest.
func (v *view) Sees(id, place uint64) bool {
	full := v.xmax + uint64(int64(int32(uint32(id)-uint32(v.xmax))))
	switch {
	case full < v.xmin:
		return true
	case full >= v.xmax:
		return false
	case v.replayed > 0:
		return place < v.replayed
	default:
		_, running := slices.BinarySearch(v.running, full)
		return !running
	}
}

// Running lists the transactions that were in progress, with ids as the log has them.
func (v *view) Running() []uint64 {
	ids := make([]uint64, len(v.running))
	for i, id := range v.running {
		ids[i] = uint64(uint32(id))
	}
	return ids
}
