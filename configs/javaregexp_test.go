package configs

import "testing"

func TestReplacementsAreThoseOfJava(t *testing.T) {
	for _, c := range []struct{ expression, replacement, name, want string }{
		{`(.*)customers_shard(.*)`, `$1customers_all_shards`, "shop.public.customers_shard2", "shop.public.customers_all_shards"},
		{`(.*)\.(.*)`, `$2-$1`, "a.b", "b-a"},
		{`(a)(b)`, `$10`, "ab", "a0"}, // group 1 and a nought: there is no tenth
		{`(?P<head>a)b`, `${head}x`, "ab", "ax"},
		{`ab`, `c\$1\\`, "ab", `c$1\`},
		{`ab`, `all`, "xab", "xab"},  // not the whole of it
		{`ab`, `all`, "AB", "AB"},    // letter case counts
		{`a|b`, `all`, "b", "all"},   // alternatives are whole, too
		{`(.*)`, `x${1}y`, "", "xy"}, // a number between braces
	} {
		r, err := NewReplacer(c.expression, c.replacement)
		if err != nil {
			t.Fatalf("%s, %s: %v", c.expression, c.replacement, err)
		}
		if got, _ := r.Replace(c.name); got != c.want {
			t.Errorf("%s by %s of %s: %q, want %q", c.expression, c.replacement, c.name, got, c.want)
		}
	}
	for _, c := range [][2]string{{`(`, ``}, {`a`, `$1`}, {`a`, `x\`}, {`a`, `$`}, {`a`, `${b`}, {`(?<!a)b`, ``}, {`a)(b`, ``}} {
		if _, err := NewReplacer(c[0], c[1]); err == nil {
			t.Errorf("%s by %s is taken", c[0], c[1])
		}
	}
}
