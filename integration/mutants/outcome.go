package mutants

import (
	"bufio"
	"io"
	"regexp"
	"slices"
	"strings"

	"rdip/integration/judge"
)

// outcome is what became of one scenario with one binary.
type outcome struct {
	ended   bool     // it came to its end, well or not
	failed  bool     // a judge, or anything else, failed it
	judges  []string // that spoke, in order, each once
	seconds string
	seed    string
	text    string // what it wrote
}

var (
	runLine  = regexp.MustCompile(`^=== RUN\s+(\S+)$`)
	endLine  = regexp.MustCompile(`^\s*--- (PASS|FAIL): (\S+) \(([0-9.]+)s\)$`)
	judgeSay = regexp.MustCompile(`^\s+(?:\S+\.go:\d+: )?judge (` + strings.Join(judges, "|") + `): `)
	seedSay  = regexp.MustCompile(`RDIP_SEED=(\d+)`)
)

// confirmed is the name of harness.Run.ConfirmedIsDurable as a judge.
const confirmed = "acknowledged"

// judges are the names under which judges speak.
var judges = []string{confirmed, judge.Lost, judge.Order, judge.Replay, judge.Torn, judge.State, judge.Before, judge.TakenBack,
	judge.Invented, judge.Tombstones, judge.Schema, judge.Counts}

// outcomes reads what go test -v writes about the subtests below a test, one after another.
func outcomes(r io.Reader, test string) (map[string]*outcome, error) {
	all := map[string]*outcome{}
	var now *outcome
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		line := lines.Text()
		if m := runLine.FindStringSubmatch(line); m != nil {
			if name, ok := strings.CutPrefix(m[1], test+"/"); ok {
				now = &outcome{}
				all[name] = now
			}
			continue
		}
		if m := endLine.FindStringSubmatch(line); m != nil {
			if o := all[strings.TrimPrefix(m[2], test+"/")]; o != nil {
				o.ended, o.failed, o.seconds = true, m[1] == "FAIL", m[3]
				now = nil
			}
			continue
		}
		if now != nil {
			now.read(line)
		}
	}
	return all, lines.Err()
}

// read takes up one line of a scenario.
func (o *outcome) read(line string) {
	o.text += line + "\n"
	if m := judgeSay.FindStringSubmatch(line); m != nil && !slices.Contains(o.judges, m[1]) {
		o.judges = append(o.judges, m[1])
	}
	if m := seedSay.FindStringSubmatch(line); m != nil {
		o.seed = m[1]
	}
}

// catches says whether the mutant was noticed by one of those who have to.
func (o *outcome) catches(m *Mutant) bool {
	return o != nil && o.ended && o.failed && slices.ContainsFunc(m.Judges, func(j string) bool { return slices.Contains(o.judges, j) })
}

// passes says whether a control went well.
func (o *outcome) passes() bool { return o != nil && o.ended && !o.failed }
