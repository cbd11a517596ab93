package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"

	"rdip/connect/rest"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers/postgres"
)

type dropCommand struct {
	daemonFlags `embed:""`
	Topics      bool   `help:"Also delete the connector's topics, with every event in them."`
	Yes         bool   `short:"y" help:"Do not ask."`
	Connector   string `arg:"" help:"The connector, as the configuration still has it."`
}

// drop is what a dropCommand is about to remove.
type drop struct {
	*dropCommand
	settings  *settings
	connector *connectorSettings
	leftovers []postgres.Leftover
	topics    []string
	stored    bool // there is a stored position,
	inTopic   bool // and one in the topic of positions
	state     state
}

// state is where a connector's position is stored.
type state interface {
	// record says whether a position is stored, and which topics are known to have been written to.
	record(ctx context.Context) (found bool, topics []string, err error)
	// forget is done again without harm.
	forget(ctx context.Context) error
	close() error
}

// Run removes the slot, the publication and the event trigger that are the connector's, its topics if asked
// for, and what is stored of it: after showing them and asking. What was cut off half done is done again.
func (c dropCommand) Run(ctx context.Context) error {
	d, err := c.find(ctx)
	if err != nil {
		return err
	}
	err = d.run(ctx)
	return errors.Join(err, d.state.close())
}

// find looks at everything and changes nothing.
func (c *dropCommand) find(ctx context.Context) (*drop, error) {
	if c.Config == "" {
		return nil, &fault.Error{Kind: fault.Configuration, Op: "drop connector", Object: c.Connector, Permanent: true,
			Cause: errors.New("the configuration says where its slot is, and none is given"), Hint: "add --config /etc/rdip/rdip.yaml"}
	}
	s, err := load(c.Config)
	if err != nil {
		return nil, err
	}
	connector, err := s.named(c.Connector)
	if err != nil {
		return nil, err
	}
	d := &drop{dropCommand: c, settings: s, connector: connector}
	if d.state, err = c.stateOf(ctx, s); err != nil {
		return nil, err
	}
	if err = d.look(ctx); err != nil {
		return nil, errors.Join(err, d.state.close())
	}
	return d, nil
}

// stateOf is the running daemon's state, if one answers and the connector is paused or stopped, and else the
// folder's.
func (c *dropCommand) stateOf(ctx context.Context, s *settings) (state, error) {
	a, err := c.api()
	if err != nil {
		return nil, err
	}
	if a.answers(ctx) {
		return askedState(ctx, a, c.Connector)
	}
	store, err := offsets.Open(s.worker.StateDir)
	if err != nil {
		return nil, err
	}
	return &folderState{store: store, connector: c.Connector}, nil
}

func (d *drop) look(ctx context.Context) error {
	var err error
	if d.leftovers, err = postgres.Leftovers(ctx, d.connector.postgres, d.settings.others(d.connector)); err != nil {
		return err
	}
	var written []string
	if d.stored, written, err = d.state.record(ctx); err != nil {
		return err
	}
	if d.inTopic, err = d.settings.hasPositions(ctx, d.connector); err != nil {
		return err
	}
	if d.Topics {
		if d.settings.worker.Embedded {
			return &fault.Error{Kind: fault.Configuration, Op: "drop connector", Object: d.Connector, Permanent: true,
				Cause: errors.New("the embedded broker's topics are in state.dir"), Hint: "leave --topics out"}
		}
		d.topics, err = d.settings.topicsOf(d.connector, written)
	}
	return err
}

// others is what other connectors use in the same database.
func (s *settings) others(c *connectorSettings) postgres.Others {
	var o postgres.Others
	for i := range s.connectors {
		x := &s.connectors[i]
		p, q := &x.postgres, &c.postgres
		if x == c || p.Hostname != q.Hostname || p.Port != q.Port || p.Database != q.Database {
			continue
		}
		o.Publication = o.Publication || p.PublicationName == q.PublicationName
		o.DDL = o.DDL || p.Events.DDL
	}
	return o
}

func (d *drop) run(ctx context.Context) error {
	for _, l := range d.leftovers {
		if l.Busy != "" && l.Keep == "" {
			return &fault.Error{Kind: fault.Preflight, Op: "drop connector", Object: d.Connector, Permanent: true, Cause: fmt.Errorf("%s is in use: %s", l.Object, l.Busy),
				Hint: fmt.Sprintf("rdip stop %s, or stop the process that reads it", d.Connector)}
		}
	}
	removes := d.print(os.Stdout)
	if removes == 0 {
		fmt.Printf("%s: nothing is left to remove\n", d.Connector)
		return nil
	}
	if !d.Yes && !confirmed(fmt.Sprintf("Remove this of %s for good?", d.Connector)) {
		return &fault.Error{Kind: fault.Configuration, Op: "drop connector", Object: d.Connector, Cause: errors.New("not confirmed; nothing was removed"), Hint: "add --yes", Permanent: true}
	}
	// The slot goes first: a position without its slot stops a start by name, a slot without its position
	// would be another's.
	if err := postgres.Remove(ctx, d.connector.postgres, d.leftovers); err != nil {
		return err
	}
	if err := d.settings.deleteTopics(d.topics); err != nil {
		return err
	}
	if err := d.settings.forgetPositions(ctx, d.connector); err != nil {
		return err
	}
	if err := d.state.forget(ctx); err != nil {
		return err
	}
	if err := os.RemoveAll(d.connector.postgres.SpillDir); err != nil {
		return &fault.Error{Op: "remove", Object: d.connector.postgres.SpillDir, Cause: err, Hint: "make the folder writable, and drop it again"}
	}
	fmt.Printf("%s: removed. Take it out of %s, or its next start begins with a new snapshot.\n", d.Connector, d.Config)
	return nil
}

// print shows what is removed and what stays, and counts the former.
func (d *drop) print(w io.Writer) int {
	removes := 0
	line := func(verb, what string) {
		fmt.Fprintf(w, "%-8s%s\n", verb, what)
		if verb == "remove" {
			removes++
		}
	}
	for _, l := range d.leftovers {
		if l.Keep != "" {
			line("keep", l.Object+": "+l.Keep)
			continue
		}
		line("remove", l.Object)
	}
	if d.stored {
		line("remove", "the stored position")
	}
	if d.inTopic {
		line("remove", "its positions in topic "+d.connector.positions)
	}
	for _, t := range d.topics {
		line("remove", "topic "+t+", with its events")
	}
	if !d.Topics {
		line("keep", "its topics and their schemas (--topics removes the topics)")
	}
	return removes
}

// folderState is the state folder of a daemon that does not run.
type folderState struct {
	store     *offsets.Store
	connector string
}

func (s *folderState) record(context.Context) (bool, []string, error) {
	r, found, err := s.store.Get(s.connector)
	return found, slices.Collect(maps.Keys(r.Topics)), err
}

func (s *folderState) forget(context.Context) error {
	return errors.Join(s.store.Delete(s.connector), s.store.SetDesired(s.connector, offsets.DesiredRunning))
}

func (s *folderState) close() error { return s.store.Close() }

// daemonState is the state of a daemon that runs.
type daemonState struct {
	api       *api
	connector string
	path      string
	known     bool // it is configured there
}

// askedState refuses a connector that runs.
func askedState(ctx context.Context, a *api, connector string) (state, error) {
	s := &daemonState{api: a, connector: connector, path: "/connectors/" + url.PathEscape(connector)}
	var names []string
	if err := a.get(ctx, "/connectors", &names); err != nil {
		return nil, err
	}
	if s.known = slices.Contains(names, connector); !s.known {
		return s, nil
	}
	now, err := a.status(ctx, connector)
	if err != nil {
		return nil, err
	}
	if is := now.Connector.State; is != rest.Paused && is != rest.Stopped {
		return nil, &fault.Error{Kind: fault.Configuration, Op: "drop connector", Object: connector, Permanent: true,
			Cause: fmt.Errorf("it is %s in the daemon at %s", is, a.base), Hint: "rdip stop " + connector}
	}
	return s, nil
}

func (s *daemonState) record(ctx context.Context) (bool, []string, error) {
	if !s.known {
		return true, nil, nil // forget asks whether there is one
	}
	var o rest.ConnectorOffsets
	if err := s.api.get(ctx, s.path+"/offsets", &o); err != nil {
		return false, nil, err
	}
	var t map[string]rest.ConnectorTopics
	err := s.api.get(ctx, s.path+"/topics", &t)
	return len(o.Offsets) > 0, t[s.connector].Topics, err
}

// forget stops the connector, which was paused or stopped, and has its position deleted.
func (s *daemonState) forget(ctx context.Context) error {
	if s.known {
		if err := s.api.call(ctx, http.MethodPut, s.path+"/stop", nil, nil); err != nil {
			return err
		}
	}
	return s.api.call(ctx, http.MethodDelete, s.path+"/offsets", nil, nil)
}

func (*daemonState) close() error { return nil }
