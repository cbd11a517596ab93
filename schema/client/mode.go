package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"

	"rdip/internal/fault"
)

// The modes of Confluent's registry in which nobody may register a schema.
var closedModes = []string{"READONLY", "READONLY_OVERRIDE"}

// modesAtOnce is how many subjects are asked for at once.
const modesAtOnce = 8

// CheckSubjects asks whether schemas may be registered for the subjects: a subject's mode, else the
// registry's. A registry that knows no modes takes every schema. What keeps the question from being asked is
// Check's to say. It changes nothing.
func (c *Client) CheckSubjects(ctx context.Context, subjects []string) []fault.Finding {
	closed := make([]string, len(subjects))
	var wg sync.WaitGroup
	turn := make(chan struct{}, modesAtOnce)
	for i, subject := range subjects {
		wg.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			if mode, err := c.mode(ctx, subject); err == nil && slices.Contains(closedModes, mode) {
				closed[i] = mode
			}
		})
	}
	wg.Wait()
	var findings []fault.Finding
	for i, mode := range closed {
		if mode == "" {
			continue
		}
		findings = append(findings, fault.Finding{Severity: fault.Fatal, Kind: fault.Preflight, Where: fmt.Sprintf("subject %q", subjects[i]), Case: "R4",
			Seen: "its mode is " + mode + ": the registry takes no schema for it", Need: "READWRITE",
			Fix: fmt.Sprintf(`PUT /mode/%s with {"mode":"READWRITE"} at the registry, or PUT /mode where all are so`, url.PathEscape(subjects[i]))})
	}
	return findings
}

// mode is a subject's, or the registry's where it has none of its own; "" of a registry that has no modes.
func (c *Client) mode(ctx context.Context, subject string) (string, error) {
	answer, err := get[struct {
		Mode string `json:"mode"`
	}](ctx, c, call{op: "read mode", subject: subject, path: "/mode/" + url.PathEscape(subject) + "?defaultToGlobal=true"})
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return answer.Mode, err
}
