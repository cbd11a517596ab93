package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"rdip/connect/source"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers/postgres"
	"rdip/sinks/kafka"
)

// checkPositions reads what the topic of positions has of a connector that delivers exactly once, and says what a start
// makes of it.
func (s *settings) checkPositions(ctx context.Context, c *connectorSettings, p *kafka.Producer) []fault.Finding {
	topic, records, known, err := s.peekPositions(ctx, c, p)
	if err != nil {
		return asFinding(fmt.Sprintf("topic %q", topic.Name), err)
	}
	if !known {
		return nil
	}
	file, findings := s.stateFile()
	return append(findings, source.Foresee(c.name, c.source.Prefix, postgres.ConnectOffsets{}, topic, records, file)...)
}

// stateFile is what the state folder has; nil where it cannot be looked at, as while a daemon has it.
func (s *settings) stateFile() (*offsets.Contents, []fault.Finding) {
	file, err := offsets.Dump(s.worker.StateDir, offsets.Options{})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &offsets.Contents{}, nil
	case err != nil:
		findings := asFinding("state.dir", err)
		for i := range findings {
			findings[i].Severity = fault.Notice
			findings[i].Need = "it free, to tell whether it agrees with the topic of positions"
		}
		return nil, findings
	default:
		return file, nil
	}
}
