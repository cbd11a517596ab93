package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"rdip/integration/testenv"
	"rdip/integration/testenv/component"
	"rdip/integration/testenv/process"
	"rdip/schema/registry"
)

// schemaPair is a line of the table of pairs that schema/compatibility is held to.
type schemaPair struct {
	Name   string
	A, B   string
	BReads []string `json:"b_reads_a"`
	AReads []string `json:"a_reads_b"`
}

// apicurioDiffers are the pairs that Apicurio 3.0.9 answers otherwise than Confluent's registry does:
// the reader's field matches several of the writer's, Java throws, Confluent answers 409 as for any
// incompatibility (AvroSchema.isBackwardCompatible catches it), Apicurio 422. Both refuse.
var apicurioDiffers = map[string]int{
	"records: a field matches by name and by alias BACKWARD": http.StatusUnprocessableEntity,
}

// Every pair, in both directions, is registered at the embedded registry and at Apicurio, and taken or
// refused by both alike, and as Java's SchemaCompatibility says. (R2)
func TestTheEmbeddedRegistryJudgesEveryPairAsAForeignOneDoes(t *testing.T) {
	foreign := testenv.SharedRegistry(t).URL()
	ours := embeddedRegistry(t)
	text, err := os.ReadFile(filepath.Join("..", "schema", "compatibility", "testdata", "pairs.json"))
	if err != nil {
		t.Fatal(err)
	}
	var pairs []schemaPair
	if err := json.Unmarshal(text, &pairs); err != nil {
		t.Fatal(err)
	}
	judged := 0
	for i, p := range pairs {
		for level, found := range map[string][]string{"BACKWARD": p.BReads, "FORWARD": p.AReads} {
			want := http.StatusOK
			if len(found) > 0 {
				want = http.StatusConflict
			}
			subject := fmt.Sprintf("pair-%d-%s", i, level)
			if got := follow(t, ours, subject, level, p); got != want {
				t.Errorf("%s, %s: ours answers %d, Java finds %q", p.Name, level, got, found)
			}
			if status, ok := apicurioDiffers[p.Name+" "+level]; ok {
				want = status
			}
			if got := follow(t, foreign, subject, level, p); got != want {
				t.Errorf("%s, %s: Apicurio answers %d, Java finds %q", p.Name, level, got, found)
			}
			judged++
		}
	}
	if judged < 120 {
		t.Errorf("only %d judgements", judged)
	}
	t.Logf("%d judgements alike", judged)
}

// follow registers p.A, then p.B after it, and returns the status of the second. It also asks for the
// verdict without registering, which must be the same.
func follow(t *testing.T, base, subject, level string, p schemaPair) int {
	t.Helper()
	if status, answer := registryCall(t, "POST", base+"/subjects/"+subject+"/versions", map[string]string{"schema": p.A}); status != http.StatusOK {
		t.Fatalf("%s: the first schema: %d %s", p.Name, status, answer)
	}
	if status, answer := registryCall(t, "PUT", base+"/config/"+url.PathEscape(subject), map[string]string{"compatibility": level}); status != http.StatusOK {
		t.Fatalf("%s: %d %s", subject, status, answer)
	}
	asked, verdict := registryCall(t, "POST", base+"/compatibility/subjects/"+subject+"/versions/latest", map[string]string{"schema": p.B})
	status, _ := registryCall(t, "POST", base+"/subjects/"+subject+"/versions", map[string]string{"schema": p.B})
	if may := strings.Contains(verdict, `"is_compatible":true`); may != (status == http.StatusOK) {
		t.Errorf("%s, %s at %s: the check says %d %s, the registration %d", p.Name, level, base, asked, verdict, status)
	}
	return status
}

func registryCall(t *testing.T, method, address string, body any) (int, string) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// embeddedRegistry serves rdip's own registry until the test ends.
func embeddedRegistry(t *testing.T) string {
	t.Helper()
	r, err := registry.Open(filepath.Join(t.TempDir(), "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- r.Serve(ctx, l) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

// Confluent's own Python client and serializer find in the embedded registry what they find in theirs.
func TestConfluentsClientWorksWithTheEmbeddedRegistry(t *testing.T) {
	testenv.Need(t, component.Python())
	python, err := component.Python().Path()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join("testdata", "registry", "confluent_client.py")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	text, err := process.Output(ctx, process.Command{Path: python, Args: []string{script, embeddedRegistry(t)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for key, want := range map[string]any{
		"same_id": true, "found": 1.0, "by_id": true, "level": "BACKWARD", "compatible": true, "incompatible": false,
		"read":     []any{map[string]any{"id": 7.0, "city": "x"}, map[string]any{"id": 8.0, "city": "Ulm"}},
		"versions": []any{1.0, 2.0}, "latest": 2.0, "subjects": []any{"t-value", "u-value"},
		"deleted": []any{1.0}, "subjects_after": []any{"t-value"},
	} {
		if !reflect.DeepEqual(got[key], want) {
			t.Errorf("%s: %v, want %v", key, got[key], want)
		}
	}
	for key, want := range map[string][2]float64{"refused": {409, 409}, "invalid": {422, 42201}, "missing": {404, 40401}} {
		if list, ok := got[key].([]any); !ok || len(list) != 3 || list[0] != want[0] || list[1] != want[1] {
			t.Errorf("%s: %v, want %v", key, got[key], want)
		}
	}
}
