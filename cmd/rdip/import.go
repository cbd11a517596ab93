package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"rdip/configs"
	"rdip/internal/fault"
)

type importCommand struct {
	Connector string `arg:"" help:"What Kafka Connect has of the connector: its JSON as posted or as answered by GET /connectors/NAME or /connectors?expand=info, its .properties file, or a KafkaConnector resource in YAML; - is standard input."`
	Worker    string `help:"The Connect worker's .properties file, or its KafkaConnect resource: brokers, registry and converters come from it."`
	Name      string `help:"Which connector, where there are several; else the connector's name. Default: the one in the file."`
	StateDir  string `default:"/var/lib/rdip" help:"Folder for positions, for the configuration."`
	Output    string `short:"o" type:"path" help:"Write the configuration to this file instead of printing it. An existing file is not overwritten."`
}

// Run translates the files. What cannot be kept stands in the result as a comment with the reason; the error says
// how many keys a person has to decide on.
func (c importCommand) Run() error {
	connector, err := readConnector(c.Connector, c.Name)
	if err != nil {
		return err
	}
	worker := configs.Foreign{Keys: map[string]string{}}
	if c.Worker != "" {
		if worker, err = readWorker(c.Worker); err != nil {
			return err
		}
	}
	t := newTranslation(cmp.Or(c.Name, connector.Name), connector.Keys, worker.Keys)
	t.origin = connector.Name
	var text bytes.Buffer
	t.write(&text, c.Connector, c.StateDir)
	if err := emit(c.Output, text.Bytes()); err != nil {
		return err
	}
	t.next(os.Stderr, cmp.Or(c.Output, "FILE"))
	if undecided := t.undecided(); undecided != "" {
		return &fault.Error{Kind: fault.Configuration, Op: "import", Object: c.Connector, Permanent: true, Cause: fmt.Errorf("%s", undecided),
			Hint: "decide on each, then: rdip check " + cmp.Or(c.Output, "FILE")}
	}
	return nil
}

// readConnector is the connector of a file, or the one of that name where the file has several.
func readConnector(path, name string) (configs.Foreign, error) {
	all, err := readForeign(path)
	if err != nil {
		return configs.Foreign{}, err
	}
	all = slices.DeleteFunc(all, func(f configs.Foreign) bool { return f.Worker })
	at := slices.IndexFunc(all, func(f configs.Foreign) bool { return f.Name == name })
	switch {
	case len(all) == 0:
		return configs.Foreign{}, notRead(path, "it is a worker's, and no connector's", "give it with --worker")
	case len(all) == 1:
		at = 0
	case at < 0:
		return configs.Foreign{}, notRead(path, fmt.Sprintf("it has %d connectors: %s", len(all), strings.Join(namesOf(all), ", ")), "choose one with --name, and write a file each")
	}
	return all[at], checkClass(path, all[at].Keys["connector.class"])
}

func namesOf(all []configs.Foreign) []string {
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.Name
	}
	return names
}

// checkClass refuses a connector that is none of Debezium's for PostgreSQL; one without a class may be one.
func checkClass(path, class string) error {
	switch {
	case class == "" || slices.Contains(postgresClasses, class):
		return nil
	case strings.HasPrefix(class, "PostgresCdcSource"):
		return notRead(path, fmt.Sprintf("its connector.class is %s, Confluent Cloud's own, whose keys are others than Debezium's", class),
			"rdip init looks at the database and writes a configuration")
	default:
		return notRead(path, fmt.Sprintf("its connector.class is %s, and rdip reads PostgreSQL", class), "give a connector of io.debezium.connector.postgresql.PostgresConnector")
	}
}

// readWorker is the worker of a file.
func readWorker(path string) (configs.Foreign, error) {
	all, err := readForeign(path)
	if err != nil {
		return configs.Foreign{}, err
	}
	if len(all) > 1 {
		all = slices.DeleteFunc(all, func(f configs.Foreign) bool { return !f.Worker })
	}
	if len(all) != 1 || all[0].Keys["connector.class"] != "" {
		return configs.Foreign{}, notRead(path, "it is no worker's", "give the worker's .properties file, or a file with one KafkaConnect resource")
	}
	return all[0], nil
}

func readForeign(path string) ([]configs.Foreign, error) {
	text, err := readText(path)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Configuration, Op: "read", Object: path, Cause: err, Permanent: true}
	}
	all, err := configs.ParseForeign(text)
	if err != nil {
		return nil, notRead(path, err.Error(), `give a JSON object of keys, {"name": ..., "config": {...}}, a KafkaConnector resource in YAML, or a .properties file`)
	}
	return all, nil
}

// readText reads a file; - is standard input.
func readText(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(path)
}

func notRead(path, cause, hint string) error {
	return &fault.Error{Kind: fault.Configuration, Op: "read", Object: path, Cause: fmt.Errorf("%s", cause), Permanent: true, Hint: hint}
}

// emit prints a text, or writes it to a new file.
func emit(path string, text []byte) error {
	if path == "" {
		_, err := os.Stdout.Write(text)
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return &fault.Error{Kind: fault.Configuration, Op: "write", Object: path, Cause: err, Hint: "name another file with --output", Permanent: true}
	}
	if _, err = f.Write(text); err == nil {
		err = f.Close()
	}
	if err != nil {
		return &fault.Error{Op: "write", Object: path, Cause: err}
	}
	return nil
}
