package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	gometrics "github.com/rcrowley/go-metrics"

	"rdip/cmd/rdip/internal/lines"
	"rdip/configs"
	"rdip/envelope/decode"
	"rdip/internal/fault"
	"rdip/schema/client"
	"rdip/sinks/kafka/consume"
)

type tailCommand struct {
	Topics    []string          `arg:"" name:"topic" help:"Topics: names, globs ('shop.*') or expressions ('/shop\\.(a|b)/')."`
	Bootstrap []string          `name:"bootstrap-server" placeholder:"HOST:PORT" help:"Kafka's brokers to begin with (localhost:9092)."`
	Registry  string            `name:"schema-registry-url" placeholder:"URL" help:"The schema registry (http://localhost:8081)."`
	Config    string            `short:"c" type:"path" xor:"keys" placeholder:"FILE" help:"Take the brokers, the registry and the way to log in from a configuration."`
	Property  map[string]string `short:"X" xor:"keys" placeholder:"KEY=VALUE" help:"A key of the Kafka client or the registry, as in a configuration: security.protocol=SASL_SSL."`
	Beginning bool              `name:"from-beginning" help:"Begin with what is there, not with what comes."`
	Max       int               `placeholder:"N" help:"End after N records."`
	Format    string            `enum:"text,json,raw" default:"text" help:"text: a line for people; json: an object a line, without loss; raw: key and value in hexadecimal."`
	Follow    bool              `negatable:"" default:"true" help:"Go on at the end; --no-follow ends there."`
	Key       string            `placeholder:"TEXT" help:"Only records whose key, as the text shows it (id=7), contains this."`
}

// Run prints records until the end, ctx's or the topics'.
func (c tailCommand) Run(ctx context.Context) error {
	gometrics.UseNilMetrics = true // sarama keeps histograms a topic otherwise
	s, err := c.settings()
	if err != nil {
		return err
	}
	decoder, err := s.decoder()
	if err != nil && c.Format != string(lines.Raw) {
		return err
	}
	options := consume.Options{FromBeginning: c.Beginning, Follow: c.Follow, Notice: noticed(os.Stderr)}
	for _, text := range c.Topics {
		pattern, err := consume.ParsePattern(text)
		if err != nil {
			return err
		}
		options.Topics = append(options.Topics, pattern)
	}
	source, err := consume.Open(ctx, &s.kafka, options)
	if err != nil {
		return err
	}
	if c.Follow && !c.Beginning && isTerminal(os.Stderr) {
		names, partitions := source.Topics()
		fmt.Fprintf(os.Stderr, "waiting at the end of %s (%d partitions); --from-beginning shows what is there\n", strings.Join(names, ", "), partitions)
	}
	p := &lines.Printer{Out: os.Stdout, Format: lines.Format(c.Format), Colour: isColourful(os.Stdout), Decoder: decoder, Key: c.Key, Tombstones: true}
	return errors.Join(c.print(ctx, source, p), source.Close())
}

// print shows records one by one. One that does not decode is named and passed over.
func (c tailCommand) print(ctx context.Context, source *consume.Consumer, p *lines.Printer) error {
	failed := 0
	for c.Max <= 0 || p.Records() < c.Max {
		r, err := source.Next(ctx)
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			break
		}
		if err != nil {
			return err
		}
		err = p.Print(ctx, r, time.Now())
		switch {
		case err == nil:
		case decode.IsPayload(err):
			failed++
			fmt.Fprintln(os.Stderr, "rdip:", err)
		case ctx.Err() == nil:
			return err
		}
	}
	if failed > 0 {
		return &fault.Error{Op: "decode", Cause: fmt.Errorf("%d of %d records could not be decoded", failed, failed+p.Records()), Permanent: true}
	}
	return nil
}

// settings are those of the configuration file, where there is one, with what the flags say in its place.
func (c tailCommand) settings() (*settings, error) {
	s := &settings{}
	if c.Config != "" {
		var err error
		if s, err = load(c.Config); err != nil {
			return nil, err
		}
		if s.worker.Embedded && (len(c.Bootstrap) == 0 || c.Registry == "") {
			return nil, &fault.Error{Kind: fault.Configuration, Op: "find", Object: "the brokers of " + c.Config, Permanent: true,
				Cause: errors.New("embedded: true takes other ports at every start"), Hint: "rdip tail --bootstrap-server HOST:PORT --schema-registry-url URL, as rdip run has logged them"}
		}
	} else if err := s.fromProperties(c.Property); err != nil {
		return nil, err
	}
	if len(c.Bootstrap) > 0 {
		s.kafka.Brokers = c.Bootstrap
	}
	if c.Registry != "" {
		s.registry.URLs = c.Registry
	}
	if len(s.kafka.Brokers) == 0 {
		s.kafka.Brokers = []string{"localhost:9092"}
	}
	if s.registry.URLs == "" {
		s.registry.URLs = "http://localhost:8081"
	}
	for _, broker := range s.kafka.Brokers {
		if configs.CheckAddress(broker) != nil {
			return nil, &fault.Error{Kind: fault.Configuration, Op: "use", Object: fmt.Sprintf("broker %q", broker), Permanent: true,
				Cause: errors.New("it is not HOST:PORT"), Hint: "--bootstrap-server localhost:9092"}
		}
	}
	return s, fault.Findings(s.kafka.Check(nil)).Err()
}

// fromProperties takes keys as the command line gives them.
func (s *settings) fromProperties(properties map[string]string) error {
	section := configs.FromMap("-X", "", properties)
	return configs.Decode(section, s.kafka.Definition(), s.registry.Definition()).Err()
}

// decoder reads payloads by the schemas of the settings' registry.
func (s *settings) decoder() (*decode.Decoder, error) {
	config, err := s.registryConfig()
	if err != nil {
		return nil, err
	}
	registry, err := client.New(config)
	if err != nil {
		return nil, err
	}
	return decode.New(func(ctx context.Context, id int32) (string, error) {
		text, err := registry.SchemaByID(ctx, id)
		switch {
		case errors.Is(err, client.ErrNotFound):
			return "", &fault.Error{Kind: fault.Configuration, Op: "read", Object: fmt.Sprintf("schema id %d", id), Cause: err, Permanent: true,
				Hint: "--schema-registry-url of the registry that the topic was written with; --format raw needs none"}
		case err != nil && !fault.IsPermanent(err):
			return "", &fault.Error{Op: "ask", Object: "the schema registry", Cause: err,
				Hint: "look whether it runs and --schema-registry-url is right; --format raw needs none"}
		}
		return text, err
	}), nil
}

// noticed prints what passes by itself, each once until another comes between.
func noticed(w io.Writer) func(error) {
	said := make(chan string, 1)
	said <- ""
	return func(err error) {
		last := <-said
		if text := err.Error(); text != last {
			fmt.Fprintln(w, "rdip:", text)
			last = text
		}
		said <- last
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // a device of characters, too
	return err != nil || !os.SameFile(info, null)
}

// isColourful says whether lines may be coloured: on a terminal that has colours, unless its user wants none
// (https://no-color.org).
func isColourful(f *os.File) bool {
	return isTerminal(f) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
