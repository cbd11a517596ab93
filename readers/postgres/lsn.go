package postgres

import "fmt"

// lsnText is a place in the log as PostgreSQL writes it: 0/16B3748.
func lsnText(place uint64) string { return fmt.Sprintf("%X/%X", uint32(place>>32), uint32(place)) }
