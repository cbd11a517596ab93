package postgres

import "encoding/binary"

// Messages of pgoutput's protocol versions 2 (transactions streamed in progress), 3 (two-phase commit) and 4
// (the abort's place and time, with streaming 'parallel')
// (https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html). Between a Stream Start
// and its Stream Stop every change has the xid of its transaction or subtransaction behind its type.
const (
	msgStreamStart      = 'S'
	msgStreamStop       = 'E'
	msgStreamCommit     = 'c'
	msgStreamPrepare    = 'p'
	msgBeginPrepare     = 'b'
	msgPrepare          = 'P'
	msgCommitPrepared   = 'K'
	msgRollbackPrepared = 'r'
)

// streamStart opens a block of changes of a transaction in progress.
type streamStart struct {
	XID   uint32 // of the top-level transaction
	First bool   // nothing of it was sent before in this session
}

func parseStreamStart(b []byte) (m streamStart, err error) {
	if len(b) != 5 {
		return m, lengthError(b, 5)
	}
	if b[4] > 1 {
		return m, errFlags
	}
	return streamStart{XID: binary.BigEndian.Uint32(b), First: b[4] == 1}, nil
}

// streamCommit ends a streamed transaction.
type streamCommit struct {
	XID uint32
	commitMessage
}

func parseStreamCommit(b []byte) (m streamCommit, err error) {
	if len(b) < 4 {
		return m, errTruncated
	}
	m.XID = binary.BigEndian.Uint32(b)
	m.commitMessage, err = parseCommit(b[4:])
	return m, err
}

// streamAbort drops a streamed transaction, or one of its subtransactions.
type streamAbort struct {
	XID uint32 // of the top-level transaction
	Sub uint32 // of what is dropped; XID for all of it
}

// parseStreamAbort takes both forms: version 4 adds the abort's LSN and time where streaming is 'parallel'.
func parseStreamAbort(b []byte) (m streamAbort, err error) {
	if len(b) != 8 && len(b) != 24 {
		return m, lengthError(b, 8)
	}
	return streamAbort{XID: binary.BigEndian.Uint32(b), Sub: binary.BigEndian.Uint32(b[4:])}, nil
}

// preparedMessage is a Begin Prepare, Prepare, Stream Prepare or Commit Prepared: they differ by their flags
// alone. GID is borrowed.
type preparedMessage struct {
	LSN    uint64 // of the record of PREPARE, or of COMMIT PREPARED
	End    uint64 // behind it
	Micros int64  // µs since 2000
	XID    uint32
	GID    []byte
}

func parseBeginPrepare(b []byte) (m preparedMessage, err error) {
	if len(b) < 28 {
		return m, errTruncated
	}
	m.LSN, m.End = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	m.Micros, m.XID = int64(binary.BigEndian.Uint64(b[16:])), binary.BigEndian.Uint32(b[24:])
	gid, rest, ok := cutString(b[28:])
	if !ok {
		return m, errTruncated
	}
	m.GID = gid
	return m, atEnd(rest)
}

// parsePrepared reads the others, which begin with flags.
func parsePrepared(b []byte) (m preparedMessage, err error) {
	if len(b) == 0 {
		return m, errTruncated
	}
	if b[0] != 0 {
		return m, errFlags
	}
	return parseBeginPrepare(b[1:])
}

// parseRollbackPrepared gives the xid of a Rollback Prepared, which is all that it is read for.
func parseRollbackPrepared(b []byte) (xid uint32, err error) {
	const head = 1 + 8 + 8 + 8 + 8 + 4 // flags, two places, two times, xid
	if len(b) < head {
		return 0, errTruncated
	}
	if b[0] != 0 {
		return 0, errFlags
	}
	_, rest, ok := cutString(b[head:])
	if !ok {
		return 0, errTruncated
	}
	return binary.BigEndian.Uint32(b[head-4:]), atEnd(rest)
}
