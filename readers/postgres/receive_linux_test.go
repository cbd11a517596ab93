package postgres

import (
	"testing"
	"time"
)

func TestTheMarkGoesUpWithSpeedAndDownWithoutIt(t *testing.T) {
	here, there := socketPair(t, "tcp")
	r := newReceiver(here, newProgress())
	start := time.Unix(1000, 0)
	r.batch.judge(500, start)
	for i := range 1000 { // a small transaction a millisecond
		r.batch.judge(300, start.Add(time.Duration(i)*time.Millisecond))
	}
	if r.batch.enough() > 1 {
		t.Fatal("1,000 small transactions a second raise the mark, so that each would wait for a timer")
	}
	for i := range 100 { // 30 MB a second
		if r.batch.enough() > 1 {
			break
		}
		r.batch.judge(3000, start.Add(time.Second+time.Duration(i)*100*time.Microsecond))
		r.batch.judge(3000, start.Add(time.Second+time.Duration(i)*time.Millisecond))
	}
	if r.batch.enough() == 1 {
		t.Fatal("a fast stream does not raise the mark")
	}
	if _, err := there.Write([]byte("late")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 100)
	n, err := r.Read(got)
	if string(got[:n]) != "late" || err != nil {
		t.Errorf("under the mark: %q, %v", got[:n], err)
	}
	if r.batch.enough() > 1 {
		t.Error("a slow stream leaves the mark up")
	}
}

// hurry makes the stream look fast, where that matters.
func hurry(r *receiver) {
	if r.batch == nil {
		return
	}
	now := time.Now()
	for i := 0; i < 1000 && r.batch.enough() == 1; i++ {
		r.batch.judge(64<<10, now.Add(time.Duration(4*i)*time.Millisecond))
		r.batch.judge(64<<10, now.Add(time.Duration(4*i+2)*time.Millisecond))
	}
}
