package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"rdip/internal/fault"
	"rdip/schema/compatibility"
)

// IncompatibleError is a registry's 409: the schema may not follow what the subject has.
type IncompatibleError struct {
	Subject     string
	Level       compatibility.Level // what the subject asks for; "" when it could not be read
	Proposed    string              // the schema that was refused
	Registered  string              // the version that it may not follow; "" when it could not be read
	Version     int                 // of Registered
	Differences []string            // what breaks readers, a line each; none where ours finds no reason
	Message     string              // the registry's own reason, whole
}

// Schemas are both schemas, whole, for a log: the registered one, "" where it could not be read, and the one
// that was refused.
func (e *IncompatibleError) Schemas() (registered, refused string) { return e.Registered, e.Proposed }

// maxDifferences is how many of them an error's text shows.
const maxDifferences = 5

func (e *IncompatibleError) Error() string {
	if len(e.Differences) == 0 {
		return "the registry refuses it as incompatible: " + shorten(e.Message)
	}
	shown, rest := e.Differences, ""
	if n := len(shown) - maxDifferences; n > 0 {
		shown, rest = shown[:maxDifferences], fmt.Sprintf("; and %d more", n)
	}
	return fmt.Sprintf("not compatible (%s) with version %d: %s%s", e.judged(), e.Version, strings.Join(shown, "; "), rest)
}

// judged is the level that Differences were found at: where the subject's is not known, both directions.
func (e *IncompatibleError) judged() compatibility.Level {
	if e.Level == "" {
		return compatibility.Full
	}
	return e.Level
}

// explainTime bounds the questions that explain a refusal.
const explainTime = 10 * time.Second

// maxEarlier is how many versions are looked through for the one that stands in the way.
const maxEarlier = 20

// explain finds both schemas and their differences for a 409. Whatever it cannot find out is left empty:
// the refusal itself stands.
func (c *Client) explain(ctx context.Context, subject, schema string, refusal error) error {
	ctx, cancel := context.WithTimeout(ctx, explainTime)
	defer cancel()
	e := &IncompatibleError{Subject: subject, Proposed: schema}
	var status *StatusError
	if errors.As(refusal, &status) {
		e.Message = status.Message
	}
	e.Level, _ = c.Level(ctx, subject)
	c.findConflict(ctx, e)
	return &fault.Error{Op: "register schema", Object: fmt.Sprintf("subject %q", subject), Cause: e, Permanent: true,
		Hint: "give new columns a default or allow NULL in the source; or, if no reader minds, accept it: " + c.acceptCommand(ctx, subject)}
}

// findConflict looks for the newest version that proposed may not follow, beginning with the latest,
// which is shown where none is found.
func (c *Client) findConflict(ctx context.Context, e *IncompatibleError) {
	proposed, err := compatibility.Parse(e.Proposed)
	if err != nil {
		return
	}
	path := "/subjects/" + url.PathEscape(e.Subject) + "/versions"
	var numbers []int
	if c.call(ctx, call{op: "list versions", subject: e.Subject, path: path}, &numbers) != nil {
		return
	}
	slices.Sort(numbers)
	if !e.Level.Transitive() {
		numbers = numbers[max(len(numbers)-1, 0):]
	}
	for i := len(numbers) - 1; i >= max(len(numbers)-maxEarlier, 0); i-- {
		var v Registered
		if c.call(ctx, call{op: "read schema", subject: e.Subject, path: fmt.Sprintf("%s/%d", path, numbers[i])}, &v) != nil {
			return
		}
		if e.Registered == "" {
			e.Registered, e.Version = v.Schema, v.Version
		}
		earlier, err := compatibility.Parse(v.Schema)
		if err != nil {
			continue
		}
		if found := e.judged().Judge(proposed, earlier); found != nil {
			e.Registered, e.Version, e.Differences = v.Schema, v.Version, compatibility.Explain(found)
			return
		}
	}
}
