package deadletter

import (
	"strings"

	"rdip/sinks"
)

// Alike keeps the headers that one letter has like the one before it of its table and reason, so that thousands of letters
// hold the text of one refusal once (G8). It serves one goroutine; the zero value is ready.
type Alike struct{ by map[alikeKey]*alike }

type alikeKey struct {
	table, topic string
	reason       Reason
}

// alike is what the newest letter said.
type alike struct {
	text    string
	headers []sinks.Header
}

// of are a letter's headers that depend on its table, its reason and why; known says that an earlier letter has them too.
func (a *Alike) of(m *Letter, connector string) (headers []sinks.Header, known bool) {
	if a == nil {
		return m.plain(connector, m.Why.Error()), false
	}
	k, text := alikeKey{m.Table, m.Topic, m.Reason}, m.Why.Error()
	if was := a.by[k]; was != nil && was.text == text {
		return was.headers, true
	}
	if a.by == nil {
		a.by = map[alikeKey]*alike{}
	}
	now := &alike{text: text, headers: m.plain(connector, text)}
	a.by[k] = now
	return now.headers, false
}

// plain are those headers made anew.
func (m *Letter) plain(connector, text string) []sinks.Header {
	if len(text) > mostMessage {
		text = strings.ToValidUTF8(text[:mostMessage], "")
	}
	var headers []sinks.Header
	for _, h := range [...][2]string{{errorsTopic, m.Topic}, {errorsConnector, connector}, {errorsTask, "0"}, {errorsStage, m.Reason.stage()},
		{errorsMessage, text}, {letterTable, m.Table}, {letterReason, string(m.Reason)}} {
		headers = append(headers, sinks.Header{Key: h[0], Value: []byte(h[1])})
	}
	return headers
}

// Told is an error whose text is made once, for the many letters that it is why of.
func Told(err error) error { return &told{err, err.Error()} }

type told struct {
	error
	text string
}

func (t *told) Error() string { return t.text }
func (t *told) Unwrap() error { return t.error }
