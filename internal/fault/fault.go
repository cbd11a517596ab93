// Package fault is the one shape of an error that reaches a user: what was tried, on what, what went
// wrong, what to type to mend it, whether trying again can help, and which exit code tells it apart.
package fault

import (
	"errors"
	"strings"
)

// Kind sorts failures for a script or a supervisor: each has an exit code of its own.
type Kind uint8

const (
	// Runtime is a failure while running: the source, Kafka or the registry went away, or a bug.
	Runtime Kind = iota
	// Configuration is a file, key or value that cannot be used as it stands.
	Configuration
	// Preflight is a server that is not set up for the work: a missing setting, privilege or object.
	Preflight
	// PositionLost is a stored position that the source can no longer serve; nothing was skipped.
	PositionLost
	// NotDrained is a stop that was asked for and ran out of time before everything was delivered.
	NotDrained
)

// ExitCode is the process's exit code for the kind. 0 is success; 1 is left to runtime failures.
func (k Kind) ExitCode() int {
	switch k {
	case Configuration:
		return 2
	case Preflight:
		return 3
	case PositionLost:
		return 4
	case NotDrained:
		return 5
	default:
		return 1
	}
}

func (k Kind) String() string {
	switch k {
	case Configuration:
		return "configuration"
	case Preflight:
		return "preflight"
	case PositionLost:
		return "position lost"
	case NotDrained:
		return "not drained"
	default:
		return "runtime"
	}
}

// Error is a failure as a user reads it. The zero Kind is Runtime, and an Error is transient (trying
// again may help) unless Permanent says otherwise. No field may hold a secret or row data.
type Error struct {
	Kind      Kind
	Op        string // what was being done: "create slot"
	Object    string // on what: `slot "rdip_shop"`, "orders.yaml:7 table.include.list"
	Cause     error  // what went wrong, with the value seen and the value needed
	Hint      string // the fix, as the user would type it
	Permanent bool   // trying again cannot help
}

// Error is one line: op object: cause (fix: hint).
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Object != "" {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(e.Object)
	}
	if e.Cause != nil {
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(e.Cause.Error())
	}
	if e.Hint != "" {
		b.WriteString(" (fix: ")
		b.WriteString(e.Hint)
		b.WriteByte(')')
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Cause }

// IsPermanent says whether trying again cannot help: some Error in err's chain says so.
func IsPermanent(err error) bool {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return false
		}
		if e.Permanent {
			return true
		}
		err = e.Cause
	}
	return false
}

// KindOf is the kind of the outermost Error in err's chain, Runtime where there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Runtime
}

// Severity says how much a Finding weighs.
type Severity uint8

const (
	// Fatal findings stop a start.
	Fatal Severity = iota
	// Warning findings are worth mending, and stop nothing.
	Warning
	// Notice findings only inform.
	Notice
)

func (s Severity) String() string {
	switch s {
	case Warning:
		return "warning"
	case Notice:
		return "notice"
	default:
		return "error"
	}
}

// Finding is one thing that a check saw. A check returns all of them, never only the first.
type Finding struct {
	Severity Severity
	Kind     Kind   // Configuration or Preflight, mostly
	Where    string // file:line and key, or the object on the server
	Seen     string // what was found, with the value
	Need     string // what is needed instead
	Fix      string // the exact command or line
	Case     string // the id of the hard case behind it, such as "P6"; may be empty
}

// String is one line: error: where: seen; need ... ; fix: ...
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.Severity.String())
	if f.Where != "" {
		b.WriteString(": ")
		b.WriteString(f.Where)
	}
	if f.Seen != "" {
		b.WriteString(": ")
		b.WriteString(f.Seen)
	}
	if f.Need != "" {
		b.WriteString("; needed: ")
		b.WriteString(f.Need)
	}
	if f.Fix != "" {
		b.WriteString("; fix: ")
		b.WriteString(f.Fix)
	}
	return b.String()
}

// Findings is an error made of every fatal Finding of a check.
type Findings []Finding

// Err is nil when none of the findings is fatal, and otherwise an error that lists the fatal ones.
func (fs Findings) Err() error {
	var fatal Findings
	for _, f := range fs {
		if f.Severity == Fatal {
			fatal = append(fatal, f)
		}
	}
	if len(fatal) == 0 {
		return nil
	}
	return &Error{Kind: fatal[0].Kind, Cause: fatal, Permanent: true}
}

// Error is one line a finding.
func (fs Findings) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}
