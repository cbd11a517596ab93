package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"rdip/internal/fault"
)

// Check asks each address once whether a registry that takes Avro is there, and returns a Finding for
// each that did not say so. An address that is only unreachable stops a start when no other answers;
// a refusal always does. It changes nothing.
func (c *Client) Check(ctx context.Context) []fault.Finding {
	results := make([]error, len(c.endpoints))
	var wg sync.WaitGroup
	for i, e := range c.endpoints {
		wg.Go(func() { results[i] = c.checkEndpoint(ctx, e) })
	}
	wg.Wait()
	answered := slices.Contains(results, nil)
	var findings []fault.Finding
	for i, err := range results {
		if err != nil {
			findings = append(findings, finding(c.endpoints[i], err, answered))
		}
	}
	return findings
}

func (c *Client) checkEndpoint(ctx context.Context, e endpoint) error {
	k := call{op: "reach schema registry", object: e.base, path: "/schemas/types"}
	var types []string
	if err := c.ask(ctx, k, e, nil, &types); err != nil {
		return err
	}
	if !slices.Contains(types, "AVRO") {
		return k.fail(fmt.Errorf("it takes the schema types %v, needed is AVRO", types), "use a registry that takes Avro schemas", true)
	}
	return nil
}

func finding(e endpoint, err error, answered bool) fault.Finding {
	f := fault.Finding{Severity: fault.Fatal, Kind: fault.Preflight, Where: "schema.registry.url " + e.base, Seen: err.Error(),
		Need: "a schema registry that answers", Fix: "start the registry, or correct schema.registry.url", Case: "R1"}
	if answered && !fault.IsPermanent(err) {
		f.Severity = fault.Warning
	}
	var fe *fault.Error
	if errors.As(err, &fe) {
		f.Seen = fe.Cause.Error()
		if fe.Hint != "" {
			f.Fix, f.Case = fe.Hint, "R4"
		}
	}
	return f
}
