package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"rdip/internal/fault"
)

// timelineHistory is where each timeline before the server's own ended: the log of a timeline up to there is the
// server's log too, and what lies behind it is another branch (P60).
type timelineHistory map[int]uint64

// readHistory asks for the history of a timeline over a replication connection; the first one has none.
func readHistory(ctx context.Context, conn *pgconn.PgConn, timeline int) (timelineHistory, error) {
	if timeline <= 1 {
		return nil, nil
	}
	row, err := replicationRow(ctx, conn, fmt.Sprintf("TIMELINE_HISTORY %d", timeline), 2)
	if err != nil {
		return nil, serverFault("read", fmt.Sprintf("the history of timeline %d", timeline), err)
	}
	return parseHistory(row[1])
}

// parseHistory reads a timeline history file: a line a timeline, of its number, the place where it ended, and
// why (readTimeLineHistory in timeline.c).
func parseHistory(text string) (timelineHistory, error) {
	h := timelineHistory{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 2 {
			return nil, fmt.Errorf("%q is no line of a timeline history", line)
		}
		timeline, err := strconv.Atoi(fields[0])
		if err != nil {
			return nil, fmt.Errorf("%q is no line of a timeline history: %w", line, err)
		}
		if h[timeline], err = parseLSN(fields[1]); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// judgeTimeline: a position of an older timeline is on this server's line where it lies before the place at which
// that timeline ended. Whether the slot still has what comes after it is judged with the slot.
func (o *opening) judgeTimeline() error {
	if o.stored.Identity == "" {
		return nil
	}
	was, err := decodeIdentity(o.stored.Identity)
	if err != nil || was.Timeline >= o.system.Timeline {
		return err
	}
	change := fmt.Sprintf("the stored position belongs to timeline %d, and the server has %d", was.Timeline, o.system.Timeline)
	end, known := o.history[was.Timeline]
	at := o.stored.Position.Place
	switch {
	case !known:
		return o.lost(change + ", whose history does not have it: it is another branch of the log (P60)")
	case at > end && !o.promotedUnderUs(was, end):
		return o.lost(fmt.Sprintf("%s, which left it at %s, %d bytes before the stored position %s: what was delivered since is not in this server's log (P60)",
			change, lsnText(end), at-end, lsnText(at)))
	}
	o.notices = append(o.notices, fault.Finding{Severity: fault.Notice, Kind: fault.Preflight, Where: "timeline", Case: "P60",
		Seen: fmt.Sprintf("%s: it was promoted, or follows a server that was; the stored position %s is on its line, which left timeline %d at %s", change, lsnText(at), was.Timeline, lsnText(end)),
		Need: "nothing: the stream goes on from the stored position"})
	return nil
}

// promotedUnderUs: the log was streamed from a standby, which was promoted meanwhile, so that the newest positions
// are of its new timeline. The slot lives on that server alone, and it was confirmed behind the change. Of a second
// change nothing is known: the position may lie behind its place too, on a branch that was left.
func (o *opening) promotedUnderUs(was identity, end uint64) bool {
	return was.Standby && o.system.Timeline == was.Timeline+1 && o.slot != nil && !o.slot.Synced && o.slot.Confirmed > end
}

// promoted says, for people, that the server's timeline is another than the stored one; "" where it is not.
func (o *opening) promoted() string {
	was, err := decodeIdentity(o.stored.Identity)
	if err != nil || was.Timeline >= o.system.Timeline {
		return ""
	}
	return fmt.Sprintf("; the server was promoted meanwhile (timeline %d, now %d), and a slot is on the new primary only where it is a failover slot (slot.failover, PostgreSQL 17) that was synchronized (P60)",
		was.Timeline, o.system.Timeline)
}
