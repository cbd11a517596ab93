package main

import (
	"fmt"
	"os"

	"rdip/configs"
	"rdip/connect/metrics"
	"rdip/connect/source/routing"
)

type docsCommand struct {
	Page string `arg:"" enum:"configuration,metrics" help:"Which page: configuration or metrics."`
}

// Run prints a page of docs/ that is made from the code.
func (c docsCommand) Run() error {
	if c.Page == "metrics" {
		return metrics.WriteMarkdown(os.Stdout)
	}
	var s settings
	var connector connectorSettings
	fmt.Print(configurationHead)
	if err := configs.Markdown(os.Stdout, append(append(s.workerDefinitions(), connector.definitions()...), routing.TransformDefinitions()...)); err != nil {
		return err
	}
	return configs.KnownMarkdown(os.Stdout)
}

const configurationHead = `# Configuration

Made by ` + "`make docs`" + ` from the definitions in the code; do not edit. A file is YAML; nested maps and dotted
keys are the same thing. ` + "`${env:NAME}`, `${file:PATH}` and `${file:PATH:KEY}`" + ` in a value are resolved after
parsing and never printed. The worker's keys stand at the top level, a connector's below ` + "`connectors: {NAME: ...}`" + `.
` + "`rdip check FILE`" + ` names every mistake at once, with line and fix.

`
