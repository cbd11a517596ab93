package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"rdip/connect"
	"rdip/connect/rest"
	"rdip/internal/fault"
)

// control is what a person may change of a running daemon.
type control struct {
	*connect.Worker
	daemon *daemon

	reloading sync.Mutex // one reload at a time

	mu       sync.Mutex // for moments
	level    *slog.LevelVar
	leveled  time.Time // when the level was last set by a person
	settings *settings // in force
}

var _ rest.Control = (*control)(nil)

// Reload reads the file again and applies it as a whole, or refuses it as a whole (D9): connectors that it
// leaves as they are run on untouched.
func (c *control) Reload(context.Context) (rest.Reloaded, error) {
	c.reloading.Lock()
	defer c.reloading.Unlock()
	is := c.inForce()
	next, err := load(is.path)
	if err == nil {
		err = is.fixed(next).Err()
	}
	if err == nil {
		err = c.daemon.moved(next)
	}
	if err != nil {
		c.daemon.log.Error("the changed configuration is refused as a whole; the old one stays", "error", err)
		return rest.Reloaded{}, err
	}
	applied, err := c.Apply(c.daemon.connectors(next))
	if err != nil {
		return rest.Reloaded{}, err
	}
	c.mu.Lock()
	c.settings, c.leveled = next, time.Time{}
	c.level.Set(levels[next.worker.LogLevel])
	c.mu.Unlock()
	done := rest.Reloaded{Unchanged: applied.Kept, Restarted: applied.Restarted, Started: applied.Started, Removed: applied.Removed}
	for _, f := range next.notices {
		done.Notices = append(done.Notices, f.String())
	}
	for _, name := range applied.Removed {
		done.Notices = append(done.Notices, fmt.Sprintf("%s has ended; its slot, publication and stored position stay, and the slot keeps log: "+
			"put it back, or remove them with rdip drop %[1]s --config FILE, FILE being one that still has it", name))
	}
	c.daemon.log.Info("the configuration was read again", "connectors", applied.String())
	for _, n := range done.Notices {
		c.daemon.log.Warn(n)
	}
	return done, nil
}

// changesLive are the worker's keys that a reload applies.
var changesLive = map[string]bool{"log.level": true}

// fixed finds the worker's keys that differ and cannot be changed while the process runs.
func (s *settings) fixed(next *settings) fault.Findings {
	var findings fault.Findings
	for _, d := range (&settings{}).workerDefinitions() { // of no settings in use: a definition fills in defaults
		for _, key := range d.Names() {
			is, will := s.exact[key], next.exact[key]
			if is == will || changesLive[key] {
				continue
			}
			seen := fmt.Sprintf("%q, and rdip runs with %q", next.effective[key], s.effective[key])
			if next.effective[key] == s.effective[key] {
				seen = "another value than rdip runs with"
			}
			findings = append(findings, fault.Finding{Kind: fault.Configuration, Where: next.file.Worker.Where(key), Seen: seen,
				Need: "the value that rdip runs with: this key cannot change while it runs", Fix: "put it back and reload, or restart rdip", Case: "D9"})
		}
	}
	return findings
}

// inForce is the configuration that was applied last.
func (c *control) inForce() *settings {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.settings
}

// LogLevel is the least severity that is logged, and when a person set it.
func (c *control) LogLevel() (slog.Level, time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.level.Level(), c.leveled
}

// SetLogLevel sets it until the next reload.
func (c *control) SetLogLevel(l slog.Level) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.level.Set(l)
	c.leveled = time.Now()
}

// ResetOffsets forgets the position of a connector that is stopped, or that is not configured any more.
func (c *control) ResetOffsets(name string) error {
	return c.whileStopped(name, func() error {
		store := c.daemon.store
		if _, err := mustGet(store, name); err != nil && c.inForce().file.Connector(name) == nil { // what is configured may be in the topic of positions
			return &rest.ErrorMessage{ErrorCode: http.StatusNotFound, Message: err.Error()}
		}
		c.daemon.log.Warn("the stored position is forgotten", "connector", name)
		return store.Delete(name)
	})
}

// SetOffset sets the position of a connector that is stopped: {"lsn": "0/16B3748"}, or Debezium's number.
func (c *control) SetOffset(name string, position json.RawMessage) error {
	lsn, err := lsnOf(position)
	if err != nil {
		return err
	}
	return c.whileStopped(name, func() error {
		record, _, err := c.daemon.store.Get(name)
		if err != nil {
			return err
		}
		if err := setPosition(&record, lsn); err != nil {
			return err
		}
		c.daemon.log.Warn("the stored position is set", "connector", name, "lsn", lsn)
		return c.daemon.store.Replace(name, record)
	})
}

// lsnOf is the lsn of an offset, as our text or as Debezium's number.
func lsnOf(position json.RawMessage) (string, error) {
	var offset struct {
		LSN json.RawMessage `json:"lsn"`
	}
	var text string
	var number uint64
	switch err := json.Unmarshal(position, &offset); {
	case err == nil && json.Unmarshal(offset.LSN, &text) == nil:
		return text, nil
	case err == nil && json.Unmarshal(offset.LSN, &number) == nil:
		return lsn(number), nil
	default:
		return "", &fault.Error{Kind: fault.Configuration, Op: "read", Object: "the offset", Permanent: true,
			Cause: errors.New(`it has no "lsn"`), Hint: `{"lsn": "0/16B3748"}`}
	}
}

// whileStopped answers in Connect's words and with its code where the connector is not stopped
// (AbstractHerder.alterConnectorOffsets).
func (c *control) whileStopped(name string, change func() error) error {
	err := c.WhileStopped(name, change)
	if errors.Is(err, connect.ErrNotStopped) {
		return &rest.ErrorMessage{ErrorCode: http.StatusBadRequest, Message: fmt.Sprintf("Connectors must be in the STOPPED state before their offsets can be modified. "+
			"This can be done for the specified connector by issuing a 'PUT' request to the '/connectors/%s/stop' endpoint (rdip stop %[1]s)", name)}
	}
	return err
}
