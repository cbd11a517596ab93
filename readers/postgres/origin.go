package postgres

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"

	"rdip/envelope"
	"rdip/readers/postgres/types"
)

// Origin is what the connector's records of no table say of where they came from.
func (c *Config) Origin() envelope.Origin {
	return envelope.Origin{Database: c.Database, Schema: sourceSchema, Source: c.sourceEncoder, TransactionID: appendTransactionID}
}

// appendTransactionID is Debezium's name of a transaction at one place: xid:lsn. The part behind the colon is
// that of the record in hand, so that a transaction's BEGIN, its events and its END have different ones.
func appendTransactionID(dst []byte, tx *envelope.Transaction, place uint64) []byte {
	return strconv.AppendUint(append(strconv.AppendUint(dst, tx.ID, 10), ':'), place, 10)
}

// MessageText turns the content of logical messages into text as binary.handling.mode says; nil for bytes.
func (c *Config) MessageText() func(dst, content []byte) []byte {
	switch c.Types.Binary {
	case types.BinaryBase64:
		return envelope.Base64
	case types.BinaryBase64URL:
		return func(dst, content []byte) []byte { return base64.URLEncoding.AppendEncode(dst, content) }
	case types.BinaryHex:
		return func(dst, content []byte) []byte { return hex.AppendEncode(dst, content) }
	default:
		return nil
	}
}
