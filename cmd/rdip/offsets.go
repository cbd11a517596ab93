package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"rdip/configs"
	"rdip/connect/rest"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers/postgres"
)

type offsetsCommand struct {
	Show  offsetsShow  `cmd:"" default:"withargs" help:"Show stored positions: the running daemon's, else those of the state folder."`
	Set   offsetsSet   `cmd:"" help:"Set a connector's position. The daemon must be stopped."`
	Reset offsetsReset `cmd:"" help:"Forget a connector's position: its next start takes a new snapshot. The daemon must be stopped."`
}

// stateFlags say where the state is.
type stateFlags struct {
	Config   string `short:"c" type:"path" help:"Configuration file that names the state folder and the daemon's address."`
	StateDir string `type:"path" help:"State folder, instead of a configuration."`
}

// dir is the state folder, and the daemon's address where the configuration names it.
func (f stateFlags) dir() (dir, rest string, err error) {
	if f.StateDir != "" {
		return f.StateDir, "", nil
	}
	if f.Config == "" {
		return "", "", &fault.Error{Kind: fault.Configuration, Op: "find the state folder", Permanent: true,
			Cause: fmt.Errorf("neither a configuration nor a folder is given"), Hint: "add --config /etc/rdip/rdip.yaml, or --state-dir /var/lib/rdip"}
	}
	file, findings := configs.Load(f.Config)
	if file == nil {
		return "", "", findings.Err()
	}
	w := workerOf(file)
	return w.StateDir, w.RESTListen, nil
}

type offsetsShow struct {
	stateFlags `embed:""`
	URL        string `help:"Address of the daemon's REST API, such as http://127.0.0.1:8083."`
	Format     string `enum:"text,json" default:"text" help:"Form: text or json."`
	Connector  string `arg:"" optional:"" help:"Only this connector."`
}

// Run prints the positions of the daemon, if one answers, and else of the file.
func (c offsetsShow) Run(ctx context.Context) error {
	dir, address, err := c.dir()
	if c.URL != "" || c.Config == "" && c.StateDir == "" {
		dir, address, err = "", cmp.Or(c.URL, rest.DefaultAddress), nil
	}
	if err != nil {
		return err
	}
	if address != "" {
		if api := newAPI(address); api.answers(ctx) {
			return c.daemon(ctx, api)
		}
	}
	if dir == "" {
		return &fault.Error{Op: "ask rdip", Object: address, Cause: fmt.Errorf("nothing answers"),
			Hint: "start it, or add --config /etc/rdip/rdip.yaml, or --state-dir /var/lib/rdip"}
	}
	contents, err := offsets.Dump(dir, offsets.Options{})
	if err != nil {
		return err
	}
	return c.print(os.Stdout, contents)
}

// daemon prints what a running daemon says.
func (c offsetsShow) daemon(ctx context.Context, a *api) error {
	var names []string
	if err := a.get(ctx, "/connectors", &names); err != nil {
		return err
	}
	if err := mustHave(c.Connector, names); err != nil {
		return err
	}
	all := map[string]rest.ConnectorOffsets{}
	for _, name := range names {
		if c.Connector != "" && c.Connector != name {
			continue
		}
		var o rest.ConnectorOffsets
		if err := a.get(ctx, "/connectors/"+url.PathEscape(name)+"/offsets", &o); err != nil {
			return err
		}
		all[name] = o
	}
	if c.Format == "json" {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(all)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, o := range all[name].Offsets {
			fmt.Printf("%s  %s\n", name, o.Offset)
		}
	}
	return nil
}

func (c offsetsShow) print(w io.Writer, contents *offsets.Contents) error {
	if c.Connector != "" {
		r, ok := contents.Connectors[c.Connector]
		if !ok {
			return noConnector(c.Connector, contents.Connectors)
		}
		contents.Connectors = map[string]offsets.Record{c.Connector: r}
	}
	if c.Format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(withTables(contents))
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "CONNECTOR\tPOSITION\tSNAPSHOT\tSTOPPED TABLES\tDELIVERY\tUPDATED")
	for _, name := range slices.Sorted(maps.Keys(contents.Connectors)) {
		r := contents.Connectors[name]
		done := "not finished"
		if r.SnapshotDone {
			done = "done"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", name, orDash(r.Position), done,
			orDash(strings.Join(slices.Sorted(maps.Keys(r.Stopped)), " ")), deliveryOf(&r), r.Updated.Format(time.RFC3339))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return printLeft(w, contents)
}

// stored is a connector's record with its tables.
type stored struct {
	offsets.Record
	Snapshots map[string]offsets.TableSnapshot `json:",omitempty"`
}

func withTables(contents *offsets.Contents) map[string]stored {
	all := map[string]stored{}
	for name, r := range contents.Connectors {
		all[name] = stored{r, contents.Tables[name]}
	}
	return all
}

// printLeft shows the tables that are not read to their end.
func printLeft(w io.Writer, contents *offsets.Contents) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	head := "\nCONNECTOR\tSNAPSHOT OF\tPARTS DONE\tROWS\tWHY\tSTATE\n"
	for _, name := range slices.Sorted(maps.Keys(contents.Connectors)) {
		for _, table := range slices.Sorted(maps.Keys(contents.Tables[name])) {
			s := contents.Tables[name][table]
			if !s.Left() {
				continue
			}
			state := "to be read"
			if s.Paused {
				state = "paused"
			}
			fmt.Fprintf(t, "%s%s\t%s\t%d of %d\t%d\t%s\t%s\n", head, name, table, s.Done.Len(), s.Chunks, s.Rows, s.Why, state)
			head = ""
		}
	}
	return t.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

type offsetsSet struct {
	stateFlags    `embed:""`
	LSN           string `help:"PostgreSQL: the position, as 0/16B3748. Everything before it counts as delivered."`
	AcceptCluster bool   `help:"Accept that bootstrap.servers leads to another Kafka cluster, or that topics were made anew, than when the position was stored."`
	FromKafka     bool   `help:"Take the slot's confirmed position, after proving from the topics that they are ahead of the stored one (an old state folder was restored)."`
	Connector     string `arg:"" help:"The connector."`
}

// Run changes the stored record of one connector.
func (c offsetsSet) Run(ctx context.Context) error {
	if c.LSN == "" && !c.AcceptCluster && !c.FromKafka {
		return &fault.Error{Kind: fault.Configuration, Op: "set offsets of", Object: c.Connector, Permanent: true,
			Cause: fmt.Errorf("nothing to set"), Hint: "add --lsn 0/16B3748, --accept-cluster or --from-kafka"}
	}
	if c.FromKafka {
		return c.fromKafka(ctx)
	}
	return c.change(func(r *offsets.Record) error {
		if c.AcceptCluster {
			r.Cluster, r.Topics, r.ByHand = "", nil, true
		}
		if c.LSN == "" {
			return nil
		}
		return setPosition(r, c.LSN)
	})
}

// setPosition makes lsn the record's position, of whatever server is there; tables that stopped go on from
// there too.
func setPosition(r *offsets.Record, lsn string) error {
	text, place, err := postgres.PositionAt(lsn)
	if err != nil {
		return &fault.Error{Kind: fault.Configuration, Op: "read", Object: "--lsn", Cause: err, Permanent: true}
	}
	r.Position, r.Place, r.Identity, r.SnapshotDone, r.Stopped = text, place, "", true, nil
	r.ByHand = true
	return nil
}

// change rewrites the connector's record.
func (c offsetsSet) change(f func(*offsets.Record) error) error {
	return withStore(c.stateFlags, func(store *offsets.Store) error {
		r, err := c.record(store)
		if err != nil {
			return err
		}
		if err := f(&r); err != nil {
			return err
		}
		if err := store.Replace(c.Connector, r); err != nil {
			return err
		}
		fmt.Printf("%s: position %s\n", c.Connector, orDash(r.Position))
		if r.ByHand && c.LSN != "" && c.isOnce(&r) {
			fmt.Printf("It delivers exactly once, and this position counts more than the one in Kafka: what was delivered since comes again, of every table. To go on from the one in Kafka, move %s away, and start rdip.\n", store.Path())
		}
		return nil
	})
}

// isOnce says whether the connector delivers exactly once, as far as the record or the configuration tells.
func (c offsetsSet) isOnce(r *offsets.Record) bool {
	if r.ExactlyOnce || c.Config == "" {
		return r.ExactlyOnce
	}
	s, err := load(c.Config)
	if err != nil { // the position is set all the same
		return false
	}
	return slices.ContainsFunc(s.connectors, func(x connectorSettings) bool { return x.name == c.Connector && x.once })
}

// record is the stored one; with --lsn, which adopts a slot whose state was lost, an empty one will do.
func (c offsetsSet) record(store *offsets.Store) (offsets.Record, error) {
	if r, found, err := store.Get(c.Connector); found || err != nil {
		return r, err
	}
	if c.LSN != "" {
		return offsets.Record{}, nil
	}
	return mustGet(store, c.Connector)
}

// withStore opens the state folder, which must not be in use.
func withStore(flags stateFlags, f func(*offsets.Store) error) error {
	dir, _, err := flags.dir()
	if err != nil {
		return err
	}
	store, err := offsets.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f(store), store.Close())
}

// mustGet is a connector's record, or an error that names those that are there.
func mustGet(store *offsets.Store, connector string) (offsets.Record, error) {
	r, found, err := store.Get(connector)
	if found || err != nil {
		return r, err
	}
	all, err := store.List()
	if err != nil {
		return r, err
	}
	return r, noConnector(connector, all)
}

func noConnector(name string, have map[string]offsets.Record) error {
	e := &fault.Error{Kind: fault.Configuration, Op: "find connector", Object: name, Permanent: true}
	if len(have) == 0 {
		e.Cause = errors.New("the state folder has a position of no connector")
		e.Hint = "look whether --config, or --state-dir, names the folder of the rdip that ran; one that is new has nothing to change: start rdip"
		return e
	}
	e.Cause = fmt.Errorf("the state folder has no position of it, but of: %s", strings.Join(slices.Sorted(maps.Keys(have)), ", "))
	e.Hint = "give one of these names; or another folder with --config or --state-dir"
	return e
}

// confirmed asks on the terminal.
func confirmed(question string) bool {
	fmt.Fprintf(os.Stderr, "%s [y/N] ", question)
	var answer string
	_, _ = fmt.Scanln(&answer)
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes")
}
