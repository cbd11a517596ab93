// Package failpoint names the places where a crash hurts. A release build holds none of them: Hit is empty
// and inlined away. A build with the tag "failpoints" kills its own process with SIGKILL at the point that
// the environment names:
//
//	RDIP_FAILPOINT=produced:3          the third time that "produced" is hit
//	RDIP_FAILPOINT=produced:3:500ms    half a second later, whoever hit it waiting there
package failpoint

// The points, in the order of an event's way.
const (
	Initialising     = "initialising"      // the offsets file is made under another name, and not yet in its place
	SlotCreated      = "slot-created"      // after the slot was made, before anything is stored of it
	SnapshotExported = "snapshot-exported" // the lanes of a first snapshot share its view, and nothing was read yet
	Received         = "received"          // the first of a transaction came from the source
	MidTransaction   = "mid-transaction"   // a row of an open transaction was encoded
	SchemaIDs        = "schema-ids"        // after the registry gave ids, before they are kept
	Produced         = "produced"          // after a batch was given to the producer, before its ack
	SomeAcks         = "some-acks"         // a batch was acknowledged, and others of its lane are not
	Storing          = "storing"           // inside a commit of the offsets file: some of its pages are written (During)
	Acked            = "acked"             // after acks came, before the offsets file is written
	Stored           = "stored"            // after the offsets file was fsynced, before the source is told
	Confirmed        = "confirmed"         // after the source was told
	MidChunk         = "mid-chunk"         // a row of a snapshot chunk was encoded
	SnapshotCopied   = "snapshot-copied"   // the last chunk was acknowledged, the snapshot is not yet marked done
	SnapshotMarked   = "snapshot-marked"   // the snapshot is marked done, the stream has not begun
	ChunkStored      = "chunk-stored"      // a chunk of a snapshot is on disk as done
	WindowOpened     = "window-opened"     // a window has its view, and nothing was read in it yet
	WindowRead       = "window-read"       // a window's rows are in memory, and its end is marked in the log
	WindowEmitted    = "window-emitted"    // a window's rows went to the producer, before their acks
	// Of exactly once.
	Restoring       = "restoring"        // positions were read from the topic, and nothing was sent yet
	TransactionOpen = "transaction-open" // rows were sent in a Kafka transaction, of which nothing is committed
	Committing      = "committing"       // all rows of a transaction were sent, its positions and its end were not
	PositionsSent   = "positions-sent"   // the positions are in the Kafka transaction and acknowledged, its end was not asked for
	Committed       = "committed"        // a transaction is committed, the offsets file does not know it

	Draining = "draining" // SIGTERM came, the last batches are being waited for
)
