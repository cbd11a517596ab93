package snapshot

import (
	"maps"
	"slices"
)

// owedKeys are the keys of rows that the log gave only in part (unchanged TOAST) while their table was being
// read. Such a row may have moved from a part of the table that is still to be read into one that was: nobody
// else gives it whole. Each is 0, or the number of the window that gave it and is not durable yet.
type owedKeys map[string]uint64

const (
	// owedAtOnce is after how many keys they are read before the table's other chunks.
	owedAtOnce = 1000
	// owedPerWindow is how many are asked for by key at a time.
	owedPerWindow = 500
	// owedMost is how many may be owed before the table is planned again.
	owedMost = 100_000
)

// due is how many no window has given.
func (o owedKeys) due() int {
	n := 0
	for _, window := range o {
		if window == 0 {
			n++
		}
	}
	return n
}

// take is some keys to ask for.
func (o owedKeys) take() []string {
	var keys []string
	for key, window := range o {
		if window == 0 {
			keys = append(keys, key)
		}
		if len(keys) == owedPerWindow {
			break
		}
	}
	slices.Sort(keys)
	return keys
}

// settle forgets what a window gave that is durable now.
func (o owedKeys) settle(window uint64) {
	if window == 0 {
		return
	}
	maps.DeleteFunc(o, func(_ string, of uint64) bool { return of == window })
}

// stored is the keys as they are kept.
func (o owedKeys) stored() [][]string {
	var keys [][]string
	for _, key := range slices.Sorted(maps.Keys(o)) {
		if values, ok := unpackKey(key); ok {
			keys = append(keys, values)
		}
	}
	return keys
}
