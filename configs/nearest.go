package configs

import "slices"

// nearest is the name that is fewest edits (a letter added, dropped, changed, or two swapped) from s, or ""
// when none is near enough to be meant. Of equals the first in order of the alphabet.
func nearest(s string, names []string) string {
	best, least := "", max(2, len(s)/3)+1
	for _, n := range slices.Sorted(slices.Values(names)) {
		if diff := len(n) - len(s); diff >= least || -diff >= least {
			continue
		}
		if d := edits(s, n); d < least {
			best, least = n, d
		}
	}
	return best
}

// edits is the optimal string alignment distance of a and b.
func edits(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// Nearest is the name that s was probably meant to be, "" where none is near enough.
func Nearest(s string, names []string) string { return nearest(s, names) }
