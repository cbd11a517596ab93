package records

import "rdip/sinks"

// Joined is an event's own headers before those that it shares with others. Nothing is allocated where one of the two is
// empty, and neither is changed.
func Joined(own, shared []sinks.Header) []sinks.Header {
	switch {
	case len(own) == 0:
		return shared
	case len(shared) == 0:
		return own
	default:
		return append(own[:len(own):len(own)], shared...)
	}
}
