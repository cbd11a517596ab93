package configs

// The constructors below keep the table's parts readable: a part is whose keys they are, and rows of names
// that share a fate and a reason.

type knownRow struct {
	fate     Fate
	only     []string
	why, fix string
	names    []string
}

func knownPart(of string, worker bool, rows ...knownRow) []KnownKey {
	var keys []KnownKey
	for _, r := range rows {
		for _, n := range r.names {
			keys = append(keys, KnownKey{Name: n, Of: of, Fate: r.fate, Only: r.only, Why: r.why, Fix: r.fix, Worker: worker})
		}
	}
	return keys
}

func supported(names ...string) knownRow { return knownRow{fate: Supported, names: names} }

func noEffect(why string, names ...string) knownRow {
	return knownRow{fate: NoEffect, why: why, names: names}
}

// fixed is for keys that rdip takes at these values only; "" stands for an empty value.
func fixed(only []string, why string, names ...string) knownRow {
	return knownRow{fate: Fixed, only: only, why: why, names: names}
}

func refused(why, fix string, names ...string) knownRow {
	return knownRow{fate: Refused, why: why, fix: fix, names: names}
}

func values(v ...string) []string { return v }
