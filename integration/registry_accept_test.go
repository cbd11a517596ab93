package integration

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
)

// acceptCommand is what a refusal tells a person to type.
var acceptCommand = regexp.MustCompile(`curl -X (PUT|POST) -H 'Content-Type: ([^']+)' --data '([^']+)' '([^']+)'`)

// R2, R6: what a refusal tells a person to type makes the registry take the schema: where the level is the subject's own, and
// where it is the one of all subjects, which Apicurio does not let Confluent's API set aside for one.
func TestTheCommandOfARefusalMakesTheRegistryTakeTheSchema(t *testing.T) {
	for name, subject := range map[string]string{"the level is that of all subjects": "", "the level is the subject's own": "BACKWARD"} {
		t.Run(name, func(t *testing.T) {
			registry := testenv.Registry(t).URL()
			if status, answer := registryCall(t, http.MethodPut, registry+"/config", map[string]string{"compatibility": "BACKWARD"}); status != http.StatusOK {
				t.Fatal(status, answer)
			}
			p := harness.ItemsPipeline(t, 18).Configured("schema.registry.url", registry)
			p.Registry = registry
			p.Exec(t, "ALTER TABLE items ADD COLUMN n int")
			d := p.Streaming(t)
			p.MustHold(t, 0, false)
			if subject != "" {
				compatibility(p, t, subject)
			}
			p.Exec(t, "ALTER TABLE items ALTER COLUMN n TYPE text USING n::text")
			p.Insert(t, 1, 2)
			d.WaitFor(t, "table stopped; the other tables go on")
			stopped := itemsOf(t, d).Stopped
			typed := acceptCommand.FindStringSubmatch(stopped)
			if typed == nil {
				t.Fatalf("no command is in %s", stopped)
			}
			request, err := http.NewRequestWithContext(t.Context(), typed[1], typed[4], strings.NewReader(typed[3]))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", typed[2])
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			if answer.Body.Close(); answer.StatusCode/100 != 2 {
				t.Fatalf("%s: %d", typed[0], answer.StatusCode)
			}
			p.Command(t, harness.ExitDone, flags(p, t, d, "resume", "shop", "public.items")...)
			p.MustHold(t, 2, false)
			// Other subjects are held to the level as before.
			for i, text := range []string{`"int"`, `"string"`} {
				status, _ := registryCall(t, http.MethodPost, registry+"/subjects/other-value/versions", map[string]string{"schema": text})
				if want := []int{http.StatusOK, http.StatusConflict}[i]; status != want {
					t.Errorf("another subject: %s", fmt.Sprint(status))
				}
			}
		})
	}
}
