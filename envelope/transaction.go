package envelope

// TransactionID appends the text that names a transaction at one place of it, as the transaction block and the
// transaction topic have it; without a length before it. PostgreSQL's connector of Debezium writes
// "<xid>:<lsn>", with the LSN of the record in hand (PostgresTransactionMonitor.adjustTxId). It allocates
// nothing beyond dst's growth.
type TransactionID func(dst []byte, tx *Transaction, place uint64) []byte

// mostOneByteLength is the longest string whose Avro length is one byte.
const mostOneByteLength = 63

// AppendTo appends the id as an Avro string.
func (id TransactionID) AppendTo(dst []byte, tx *Transaction, place uint64) []byte {
	at := len(dst)
	dst = id(append(dst, 0), tx, place)
	n := len(dst) - at - 1
	if n <= mostOneByteLength {
		dst[at] = byte(2 * n) // zigzag of a small length
		return dst
	}
	text := string(dst[at+1:])
	return AppendString(dst[:at], text)
}

// AppendBlock appends the nullable transaction block: null where tx.Order is 0 or id is nil.
func (id TransactionID) AppendBlock(dst []byte, tx *Transaction, place uint64) []byte {
	if id == nil || tx.Order == 0 {
		return append(dst, 0)
	}
	dst = id.AppendTo(append(dst, 2), tx, place)
	return AppendLong(AppendLong(dst, tx.Order), tx.TableOrder)
}

// TransactionCount is how many events of one table a transaction had.
type TransactionCount struct {
	Table  string // schema.table
	Events int64
}

// AppendTransactionBegin appends the value of the record that opens a transaction.
func AppendTransactionBegin(dst []byte, id TransactionID, tx *Transaction, place uint64) []byte {
	dst = id.AppendTo(AppendString(dst, "BEGIN"), tx, place)
	return AppendLong(append(dst, 0, 0), tx.Millis())
}

// AppendTransactionEnd appends the value of the record that closes a transaction of so many events. each is
// called with the number of each table, and says its counts.
func AppendTransactionEnd(dst []byte, id TransactionID, tx *Transaction, place uint64, tables int, each func(i int) TransactionCount) []byte {
	total := int64(0)
	for i := range tables {
		total += each(i).Events
	}
	dst = id.AppendTo(AppendString(dst, "END"), tx, place)
	dst = AppendLong(append(dst, 2), total)
	dst = append(dst, 2) // the array is there
	if tables > 0 {
		dst = AppendLong(dst, int64(tables))
	}
	for i := range tables {
		c := each(i)
		dst = AppendLong(AppendString(append(dst, 2), c.Table), c.Events)
	}
	return AppendLong(append(dst, 0), tx.Millis())
}

// Millis is when the transaction was committed, in milliseconds since 1970, rounded towards the past.
func (tx *Transaction) Millis() int64 {
	millis := tx.Micros / 1000
	if tx.Micros%1000 < 0 {
		millis--
	}
	return millis
}
