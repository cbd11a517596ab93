package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"rdip/internal/fault"
)

func TestAnErrorSaysWhatWhereWhyAndHowToMendIt(t *testing.T) {
	err := &fault.Error{Op: "create slot", Object: `"rdip_shop"`, Cause: errors.New("all 10 replication slots are in use"),
		Hint: "raise max_replication_slots in postgresql.conf and restart"}
	want := `create slot "rdip_shop": all 10 replication slots are in use (fix: raise max_replication_slots in postgresql.conf and restart)`
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func TestPermanenceIsFoundThroughWrapping(t *testing.T) {
	inner := &fault.Error{Op: "register", Permanent: true}
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"a plain error is transient":                 {errors.New("x"), false},
		"no error is transient":                      {nil, false},
		"a permanent error is permanent":             {inner, true},
		"a wrapped permanent error is permanent":     {fmt.Errorf("table orders: %w", inner), true},
		"a permanent cause makes its wrapper so":     {&fault.Error{Op: "run", Cause: inner}, true},
		"an Error that does not say so is transient": {&fault.Error{Op: "run"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fault.IsPermanent(c.err); got != c.want {
				t.Errorf("IsPermanent(%v) = %v", c.err, got)
			}
		})
	}
}

func TestFindingsBecomeAnErrorOnlyWhereOneIsFatal(t *testing.T) {
	fs := fault.Findings{{Severity: fault.Warning, Seen: "w"}, {Severity: fault.Notice, Seen: "n"}}
	if err := fs.Err(); err != nil {
		t.Errorf("warnings and notices must not stop a start: %v", err)
	}
	fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: "wal_level", Seen: "replica", Need: "logical", Fix: "set wal_level=logical in postgresql.conf and restart"})
	err := fs.Err()
	if fault.KindOf(err) != fault.Preflight || !fault.IsPermanent(err) {
		t.Errorf("kind %v, permanent %v", fault.KindOf(err), fault.IsPermanent(err))
	}
	if want := "error: wal_level: replica; needed: logical; fix: set wal_level=logical in postgresql.conf and restart"; err.Error() != want {
		t.Errorf("got %s", err)
	}
}

func TestEveryKindHasAnExitCodeOfItsOwn(t *testing.T) {
	seen := map[int]fault.Kind{}
	for _, k := range []fault.Kind{fault.Runtime, fault.Configuration, fault.Preflight, fault.PositionLost, fault.NotDrained} {
		if other, ok := seen[k.ExitCode()]; ok || k.ExitCode() == 0 {
			t.Errorf("%v has exit code %d, as %v has", k, k.ExitCode(), other)
		}
		seen[k.ExitCode()] = k
	}
}
