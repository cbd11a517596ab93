package foreign

import (
	"context"
	"strconv"
	"strings"

	"rdip/integration/testenv/component"
	"rdip/integration/testenv/process"
)

// Kcat runs kcat against a cluster with more arguments and returns its output. It knows no Avro and no
// SCRAM. A topic to its end: "-C", "-e", "-o", "beginning", "-t", topic, "-f", format.
func Kcat(ctx context.Context, bootstrap string, args ...string) (string, error) {
	kcat, err := component.Kcat().Path()
	if err != nil {
		return "", err
	}
	out, err := process.Output(ctx,
		process.Command{Path: kcat, Args: append([]string{"-q", "-b", bootstrap}, args...)}, nil)
	return string(out), err
}

// Sizes is what kcat tells of a record: where it lies and how long key and value are, -1 for null.
type Sizes struct {
	Partition  int
	Offset     int64
	Key, Value int // bytes
}

// largestAnswer is what kcat takes in one answer; its own default is a tenth of it.
const largestAnswer = "receive.message.max.bytes=1000000000"

// KcatSizes lists a topic's records up to its present end.
func KcatSizes(ctx context.Context, bootstrap, topic string) ([]Sizes, error) {
	out, err := Kcat(ctx, bootstrap, "-X", largestAnswer, "-C", "-e", "-o", "beginning", "-t", topic, "-f", `%p %o %K %S\n`)
	if err != nil {
		return nil, err
	}
	var all []Sizes
	for line := range strings.Lines(out) {
		var numbers [4]int64
		for i, field := range strings.Fields(line) {
			if numbers[i], err = strconv.ParseInt(field, 10, 64); err != nil {
				return nil, err
			}
		}
		all = append(all, Sizes{int(numbers[0]), numbers[1], int(numbers[2]), int(numbers[3])})
	}
	return all, nil
}
