package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"rdip/connect/rest"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/snapshot"
)

type snapshotCommand struct {
	daemonFlags `embed:""`
	Where       *string  `help:"Only the rows that satisfy this predicate, in the database's own language." placeholder:"PREDICATE"`
	Keys        *string  `help:"Only the rows with these keys: 1,2,3 of one column, (1,a),(2,b) of several; double quotes around a value with commas or brackets." placeholder:"KEYS"`
	Pause       bool     `help:"Stop reading the tables, of all that are under way without one, until --resume, also over a restart."`
	Resume      bool     `help:"Go on with what was paused."`
	Stop        bool     `help:"Give up what is left of the tables, of all without one."`
	Wait        bool     `help:"Wait until the tables are read, and show how far they are."`
	Format      string   `enum:"text,json" default:"text" help:"Form of the list: text or json."`
	Connector   string   `arg:"" help:"The connector."`
	Tables      []string `arg:"" optional:"" help:"Captured tables, as schema.table. Without one, and without a flag, what is under way is listed."`
}

// Run asks a running connector to read tables again beside its stream, or changes or lists what it reads.
func (c snapshotCommand) Run(ctx context.Context) error {
	asked, err := c.request()
	if err != nil {
		return err
	}
	a, err := c.api()
	if err != nil {
		return err
	}
	w := &snapshotWatch{api: a, path: "/connectors/" + url.PathEscape(c.Connector) + "/snapshots", tables: c.Tables}
	switch change := c.change(); {
	case change != "":
		if err := a.call(ctx, http.MethodPut, w.path+"/"+change, asked, nil); err != nil {
			return err
		}
		fmt.Printf("%s  snapshot of %s: %s\n", c.Connector, orAll(c.Tables), map[string]string{"pause": "paused", "resume": "resumed", "stop": "stopped"}[change])
		if !c.Wait {
			return nil
		}
	case len(c.Tables) > 0:
		if err := a.call(ctx, http.MethodPost, w.path, asked, nil); err != nil {
			return err
		}
		fmt.Printf("%s  snapshot of %s: asked for; it goes on by itself, also over a restart\n", c.Connector, orAll(c.Tables))
		if !c.Wait {
			return nil
		}
	case !c.Wait:
		return c.list(ctx, a, w.path, os.Stdout)
	}
	return w.wait(ctx)
}

func orAll(tables []string) string {
	if len(tables) == 0 {
		return "every table"
	}
	return strings.Join(tables, ", ")
}

// change is the flag that was given, "" for none.
func (c snapshotCommand) change() string {
	switch {
	case c.Pause:
		return "pause"
	case c.Resume:
		return "resume"
	case c.Stop:
		return "stop"
	}
	return ""
}

// request is what the flags ask for.
func (c snapshotCommand) request() (*rest.SnapshotRequest, error) {
	refuse := func(cause, hint string) error {
		return &fault.Error{Kind: fault.Configuration, Op: "read", Object: "the command line", Cause: errors.New(cause), Hint: hint, Permanent: true}
	}
	changes := 0
	for _, given := range []bool{c.Pause, c.Resume, c.Stop} {
		if given {
			changes++
		}
	}
	some := c.Where != nil || c.Keys != nil
	switch {
	case c.Where != nil && strings.TrimSpace(*c.Where) == "" || c.Keys != nil && strings.TrimSpace(*c.Keys) == "":
		return nil, refuse("--where or --keys is empty", "say which rows, or leave it out to read all of them")
	case changes > 1:
		return nil, refuse("--pause, --resume and --stop exclude each other", "give one of them")
	case changes > 0 && some:
		return nil, refuse("--where and --keys are of a snapshot that is asked for", "leave them out: a table is paused, resumed or stopped as a whole")
	case c.Where != nil && c.Keys != nil:
		return nil, refuse("--where and --keys cannot be given together", "name the keys in the predicate: --where 'id IN (1, 2)'")
	case some && len(c.Tables) == 0:
		return nil, refuse("no table is named", "rdip snapshot "+c.Connector+" schema.table --where ...")
	case c.Keys != nil && len(c.Tables) > 1:
		return nil, refuse("--keys are of one table, and several are named", "ask for each by itself")
	}
	request := &rest.SnapshotRequest{Tables: c.Tables, By: "rdip snapshot"}
	if c.Where != nil {
		request.Where = *c.Where
	}
	if is, err := user.Current(); err == nil {
		request.By += ", user " + is.Username
	}
	if c.Keys != nil {
		keys, err := parseKeys(*c.Keys)
		if err != nil {
			return nil, refuse("--keys: "+err.Error(), "write 1,2,3 for a key of one column, (1,a),(2,b) for one of several")
		}
		request.Keys = keys
	}
	return request, nil
}

func (c snapshotCommand) list(ctx context.Context, a *api, path string, w io.Writer) error {
	var all []rest.SnapshotStatus
	if err := a.get(ctx, path, &all); err != nil {
		return err
	}
	if c.Format == "json" {
		return indented(w, all)
	}
	all = slices.DeleteFunc(all, func(s rest.SnapshotStatus) bool {
		return s.State == string(snapshot.ReadingFinished) && s.Why != string(offsets.WhyAsked)
	})
	if len(all) == 0 {
		_, err := fmt.Fprintf(w, "%s  no snapshot is under way\n", c.Connector)
		return err
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "TABLE\tSTATE\tDONE\tPARTS\tROWS\tROWS/S\tLEFT\tOF\tWHY")
	for i := range all {
		s := &all[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%d of %d\t%d\t%.0f\t%s\t%s\t%s\n", s.Table, s.State, shareDone(s), s.ChunksDone, s.Chunks, s.Rows, s.RowsPerSecond, timeLeft(s), rowsOf(s), reason(s))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i := range all { // behind the table, whose columns they would tear apart
		if s := &all[i]; s.WaitingOn != "" {
			fmt.Fprintf(w, "%s %s: %s\n", s.Table, s.State, s.WaitingOn)
		}
	}
	return nil
}

// shareDone is how much of a table is read; what was stopped is not done, though nothing of it is left.
func shareDone(s *rest.SnapshotStatus) string {
	if s.State == string(snapshot.ReadingStopped) {
		return "-"
	}
	return fmt.Sprintf("%.0f%%", 100*s.Share)
}

func timeLeft(s *rest.SnapshotStatus) string {
	if s.SecondsLeft == nil || s.State == string(snapshot.ReadingStopped) {
		return "-"
	}
	return (time.Duration(*s.SecondsLeft) * time.Second).String()
}

// rowsOf says which rows of a table are read.
func rowsOf(s *rest.SnapshotStatus) string {
	switch {
	case s.Keys > 0:
		return fmt.Sprintf("%d keys", s.Keys)
	case s.Filtered:
		return "a predicate"
	default:
		return "all rows"
	}
}

func reason(s *rest.SnapshotStatus) string {
	if s.By == "" {
		return s.Why
	}
	return s.Why + ", by " + s.By
}

// snapshotWatch follows the reading of tables to its end.
type snapshotWatch struct {
	api    *api
	path   string
	tables []string // none: all that are under way
	said   map[string]string
}

const watchEvery = 200 * time.Millisecond

// wait shows how far the tables are, until all are read. One that failed or was stopped is an error; one that is
// paused is waited for.
func (w *snapshotWatch) wait(ctx context.Context) error {
	w.said = map[string]string{}
	bar := isTerminal(os.Stderr)
	for {
		var all []rest.SnapshotStatus
		if err := w.api.get(ctx, w.path, &all); err != nil {
			return err
		}
		over, err := w.judge(all)
		if bar {
			w.draw(all)
		} else {
			w.say(all)
		}
		if over || err != nil {
			if bar {
				fmt.Fprintln(os.Stderr)
			}
			return err
		}
		select {
		case <-time.After(watchEvery):
		case <-ctx.Done():
			return &fault.Error{Op: "wait for", Object: "the snapshot", Cause: errors.New("it goes on without being waited for"), Hint: "rdip snapshot CONNECTOR shows it"}
		}
	}
}

// judge says whether all tables are read. A connector that begins anew shows none for a moment.
func (w *snapshotWatch) judge(all []rest.SnapshotStatus) (bool, error) {
	states := map[string]*rest.SnapshotStatus{}
	for i := range all {
		states[all[i].Table] = &all[i]
	}
	named := w.tables
	if len(named) == 0 {
		for i := range all {
			named = append(named, all[i].Table)
		}
	}
	over := true
	for _, table := range named {
		s := states[table]
		switch {
		case s == nil:
			over = false
		case s.State == string(snapshot.ReadingFailed):
			return false, &fault.Error{Op: "snapshot", Object: "table " + table, Cause: errors.New(s.WaitingOn), Permanent: true}
		case s.State == string(snapshot.ReadingStopped) && len(w.tables) > 0:
			return false, &fault.Error{Op: "snapshot", Object: "table " + table, Cause: errors.New("it was stopped before its end"), Permanent: true}
		case s.State != string(snapshot.ReadingFinished) && s.State != string(snapshot.ReadingStopped):
			over = false
		}
	}
	return over, nil
}

// draw is one line on a terminal.
func (w *snapshotWatch) draw(all []rest.SnapshotStatus) {
	line := ""
	for i := range all {
		if s := &all[i]; w.means(s) {
			p := progress{rows: s.Rows, done: s.Share, rate: s.RowsPerSecond}
			if s.SecondsLeft != nil {
				p.left, p.known = time.Duration(*s.SecondsLeft)*time.Second, true
			}
			line += fmt.Sprintf("%s %s %s %s  ", s.Table, p.bar(20), s.State, p.line())
		}
	}
	fmt.Fprintf(os.Stderr, eraseLine+"%s", line)
}

// say is a line whenever the state of a table changes.
func (w *snapshotWatch) say(all []rest.SnapshotStatus) {
	for i := range all {
		s := &all[i]
		if !w.means(s) || w.said[s.Table] == s.State {
			continue
		}
		w.said[s.Table] = s.State
		line := fmt.Sprintf("%s  %s, %d of %d parts, %d rows", s.Table, s.State, s.ChunksDone, s.Chunks, s.Rows)
		if s.WaitingOn != "" {
			line += ": " + s.WaitingOn
		}
		fmt.Println(line)
	}
}

func (w *snapshotWatch) means(s *rest.SnapshotStatus) bool {
	return len(w.tables) == 0 || slices.Contains(w.tables, s.Table)
}
