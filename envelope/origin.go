package envelope

import "rdip/schema"

// Origin is what the records of no table say of where they came from: one a connector, made by its reader's
// package.
type Origin struct {
	Database string
	// Schema is the source block's, the same pointer as Layout.SourceSchema.
	Schema *schema.Source
	// Source is the encoder of the source block of a table's events, or of none's, whose names are "".
	Source        func(schemaName, table string) SourceEncoder
	TransactionID TransactionID
}
