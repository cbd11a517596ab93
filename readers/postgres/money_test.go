package postgres

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"rdip/configs"
	"rdip/integration/testenv"
	"rdip/integration/testenv/component"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
	"rdip/readers/postgres/types"
	"rdip/readers/postgres/types/avrotest"
)

// P28: what an amount of money means depends on the database's lc_monetary. It is written as the
// application wrote it.
func TestMoneyHasTheDigitsOfTheDatabasesLocale(t *testing.T) {
	testenv.Need(t, component.Localedef())
	server := testenv.Postgres(t, pgserver.Options{Version: 15, Locales: []string{"ja_JP", "ar_KW"}})
	for locale, want := range map[string]string{"C": "1234.50", "ja_JP.UTF-8": "1235", "ar_KW.UTF-8": "1234.500"} {
		t.Run(locale, func(t *testing.T) {
			s := newOpenServer(t, server, "SELECT 1")
			s.exec(t, fmt.Sprintf("ALTER DATABASE %s SET lc_monetary = '%s'; SET lc_monetary = '%[2]s'", quoteIdentifier(s.cfg.Database), locale))
			s.exec(t, "CREATE TABLE t (id int PRIMARY KEY, amount money, amounts money[]); INSERT INTO t VALUES (1, 1234.5::numeric::money, ARRAY[1234.5::numeric::money])")
			s.cfg.Types.Define(configs.NewDefinition("types"))
			for mode, want := range map[types.ArrayMode]map[string][]string{
				types.ArrayNested: {"ar_KW.UTF-8": {"money.fraction.digits: 3", "money.fraction.digits: 3"}},
				types.ArrayText:   {"ar_KW.UTF-8": {"money.fraction.digits: 3", "array.handling.mode: array"}, "ja_JP.UTF-8": {"array.handling.mode: array"}},
			} {
				s.cfg.Types.Array = mode
				if got := lossesTold(s.reader(t).Check(t.Context())); !slices.Equal(got, want[locale]) {
					t.Errorf("with %s warned of are %q, want %q", mode, got, want[locale])
				}
			}
			s.cfg.Types.Array = types.ArrayNested
			s.cfg.Types.Decimal = types.DecimalString
			conn, err := s.cfg.connectSQL(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			l := layoutsOf(t, &s.cfg, conn)["public.t"]
			row := wireRows(t, conn, l.Table)[0]
			for i, want := range [][]byte{1: avrotest.Text(want), 2: avrotest.Array(avrotest.Text(want))} {
				if want == nil {
					continue
				}
				if got, err := l.Columns[i](nil, row[i].Wire); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s is %x (%v), want %x", row[i].Wire, got, err, want)
				}
			}
		})
	}
}

// lossesTold are the settings by which values would be whole that are not.
func lossesTold(findings []fault.Finding) (fixes []string) {
	for _, f := range findings {
		if f.Case == "P28" && f.Severity == fault.Warning {
			fixes = append(fixes, f.Fix)
		}
	}
	return fixes
}
