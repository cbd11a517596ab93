package postgres

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"rdip/offsets"
)

// positionText is a position as the store keeps it: {"lsn":"0/16B3748"}, the LSN behind a commit record; and
// while a prepared transaction is not decided, the LSN of its PREPARE, from which the server has to start (P37):
// {"lsn":"0/16B3748","prepared":"0/16B3000"}.
type positionText struct {
	LSN      string `json:"lsn"`
	Prepared string `json:"prepared,omitempty"`
}

// EncodePosition writes a position as JSON: {"lsn":"0/16B3748"}.
func (r *Reader) EncodePosition(p offsets.Position) string { return encodePosition(p) }

// DecodePosition reads what EncodePosition wrote, and nothing more lenient.
func (r *Reader) DecodePosition(text string) (offsets.Position, error) { return decodePosition(text) }

func encodePosition(p offsets.Position) string {
	if p.Detail != "" {
		return `{"lsn":"` + lsnText(p.Place) + `","prepared":"` + p.Detail + `"}`
	}
	return `{"lsn":"` + lsnText(p.Place) + `"}`
}

func decodePosition(text string) (offsets.Position, error) {
	var p positionText
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return offsets.Position{}, fmt.Errorf(`%q is no position of PostgreSQL's, such as {"lsn":"0/16B3748"}: %w`, text, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return offsets.Position{}, fmt.Errorf("%q has more behind its position", text)
	}
	place, err := parseLSN(p.LSN)
	if err != nil {
		return offsets.Position{}, err
	}
	if place == 0 {
		return offsets.Position{}, errNoPlace
	}
	if p.Prepared == "" {
		return offsets.Position{Place: place}, nil
	}
	prepared, err := parseLSN(p.Prepared)
	if err != nil {
		return offsets.Position{}, err
	}
	if prepared == 0 || prepared >= place {
		return offsets.Position{}, fmt.Errorf("%q: a transaction that is prepared at %s does not hold the position %s back", text, p.Prepared, p.LSN)
	}
	return offsets.Position{Place: place, Detail: lsnText(prepared)}, nil
}

var errNoPlace = errors.New("0/0 is no position: PostgreSQL's log begins behind it")

// parseLSN reads a place in the log as PostgreSQL writes it: two hexadecimal halves (pg_lsn_in).
func parseLSN(text string) (uint64, error) {
	high, low, ok := strings.Cut(text, "/")
	h, err1 := parseHalf(high)
	l, err2 := parseHalf(low)
	if !ok || err1 != nil || err2 != nil {
		return 0, fmt.Errorf("%q is no LSN, such as 0/16B3748", text)
	}
	return h<<32 | l, nil
}

func parseHalf(text string) (uint64, error) {
	if len(text) == 0 || len(text) > 8 || text[0] == '+' {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(text, 16, 32)
}
