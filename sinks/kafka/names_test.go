package kafka_test

import (
	"strings"
	"testing"

	"rdip/internal/fault"
	"rdip/sinks/kafka"
)

func TestANameThatKafkaRefusesIsRefusedWithTheReason(t *testing.T) { // K8
	for name, part := range map[string]string{
		"":                       "a name",
		".":                      `other than "."`,
		"..":                     `other than "."`,
		"shop.public.größe":      "not 'ö'",
		"shop.public.my table":   "not ' '",
		"shop/public":            "not '/'",
		strings.Repeat("x", 250): "at most 249 bytes, not 250",
	} {
		err := kafka.TopicName(name)
		if err == nil || !strings.Contains(err.Error(), part) || !fault.IsPermanent(err) {
			t.Errorf("TopicName(%q) = %v, want a permanent error that says %q", name, err, part)
		}
	}
	for _, name := range []string{"a", "shop.public.orders", "A-Z_09.x", strings.Repeat("x", 249), "..."} {
		if err := kafka.TopicName(name); err != nil {
			t.Errorf("TopicName(%q) = %v", name, err)
		}
	}
}

func TestTopicsThatWouldCollideAreFoundBeforeTheStart(t *testing.T) { // K8
	for name, c := range map[string]struct {
		topics []string
		want   []string // parts of each finding, in order
	}{
		"distinct names":                 {[]string{"s.public.a", "s.public.b", "s.public_c"}, nil},
		"a point against an underscore":  {[]string{"s.a_b.c", "s.a.b_c", "s.other"}, []string{"topics s.a.b_c, s.a_b.c: names that differ"}},
		"one topic for two tables":       {[]string{"s.x", "s.x"}, []string{"topics s.x, s.x: 2 tables"}},
		"an illegal name beside a group": {[]string{"s.ü", "s.a", "s_a"}, []string{"name that Kafka refuses", "topics s.a, s_a"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := kafka.TopicCollisions(c.topics)
			if len(got) != len(c.want) {
				t.Fatalf("%d findings, want %d: %v", len(got), len(c.want), got)
			}
			for i, f := range got {
				if f.Case != "K8" || f.Severity != fault.Fatal || !strings.Contains(f.String(), c.want[i]) {
					t.Errorf("finding %d is %v, want %q", i, f, c.want[i])
				}
			}
		})
	}
}
