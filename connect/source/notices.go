package source

import (
	"slices"

	"rdip/internal/fault"
)

// notice makes these the notices of the run, and logs them.
func (t *Task) notice(n []fault.Finding) {
	t.mu.Lock()
	t.notices = n
	t.mu.Unlock()
	for _, f := range n {
		if f.Severity == fault.Notice {
			t.Log.Info(f.String())
		} else {
			t.Log.Warn(f.String())
		}
	}
}

// warn logs a warning, and keeps it for the status among the newest of its subject, at most so many; one that is there
// already becomes the newest.
func (t *Task) warn(about string, most int, text string) {
	t.Log.Warn(text)
	f := fault.Finding{Severity: fault.Warning, Where: about, Seen: text}
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := slices.DeleteFunc(slices.Clone(t.notices), func(n fault.Finding) bool { return n == f })
	count := 0
	for i := len(kept) - 1; i >= 0; i-- {
		if kept[i].Where != about {
			continue
		}
		if count++; count >= most {
			kept = slices.Delete(kept, i, i+1)
		}
	}
	t.notices = append(kept, f)
}

// forgetWarnings takes the warnings of a subject out of the status.
func (t *Task) forgetWarnings(about string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notices = slices.DeleteFunc(slices.Clone(t.notices), func(n fault.Finding) bool { return n.Where == about })
}
