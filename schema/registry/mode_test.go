package registry

import (
	"fmt"
	"path/filepath"
	"testing"
)

func TestAReadOnlySubjectKeepsWhatItHasAndAnswersForIt(t *testing.T) {
	s := newServer(t)
	s.run(
		step{"POST /subjects/s/versions", schemaBody(v1), 200, `{"id":1}`},
		step{"PUT /mode/s", `{"mode":"READONLY"}`, 200, `{"mode":"READONLY"}`},
		step{"GET /mode/s", "", 200, `{"mode":"READONLY"}`},
		step{"GET /mode", "", 200, `{"mode":"READWRITE"}`},
		step{"POST /subjects/s/versions", schemaBody(v1), 200, `{"id":1}`},
		step{"POST /subjects/s/versions", schemaBody(v2), 422, `{"error_code":42205,"message":"Subject s is in read-only mode"}`},
		step{"DELETE /subjects/s", "", 422, `~42205`},
		step{"DELETE /subjects/s/versions/1", "", 422, `~42205`},
		step{"PUT /config/s", `{"compatibility":"NONE"}`, 422, `~42205`},
		step{"POST /subjects/other/versions", schemaBody(v2), 200, `{"id":2}`},
		step{"DELETE /mode/s", "", 200, `{"mode":"READONLY"}`},
		step{"DELETE /mode/s", "", 404, `~40401`},
		step{"GET /mode/s?defaultToGlobal=true", "", 200, `{"mode":"READWRITE"}`},
		step{"DELETE /subjects/s", "", 200, `[1]`},
	)
}

func TestTheModeOfAllHoldsForASubjectWithoutOneAndAnOverrideForEach(t *testing.T) {
	s := newServer(t)
	s.run(
		step{"PUT /mode", `{"mode":"READONLY"}`, 200, ""},
		step{"PUT /mode/s", `{"mode":"READWRITE"}`, 200, ""},
		step{"POST /subjects/s/versions", schemaBody(v1), 200, `{"id":1}`},
		step{"POST /subjects/t/versions", schemaBody(v1), 422, `~42205`},
		step{"PUT /mode", `{"mode":"READONLY_OVERRIDE"}`, 200, ""},
		step{"POST /subjects/s/versions", schemaBody(v2), 422, `~42205`},
	)
}

func TestASubjectIsImportedWithItsOwnIDsAndVersions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	s := serve(t, path)
	given := func(schema string, id, version int) string {
		return fmt.Sprintf(`{"schema":%q,"id":%d,"version":%d}`, schema, id, version)
	}
	s.run(
		step{"POST /subjects/s/versions", given(v1, 70, 3), 422, `~not in import mode`},
		step{"PUT /mode/s", `{"mode":"IMPORT"}`, 200, `{"mode":"IMPORT"}`},
		step{"POST /subjects/s/versions", schemaBody(v1), 422, `{"error_code":42205,"message":"Subject s is in import mode"}`},
		step{"POST /subjects/s/versions", given(v1, 70, 3), 200, `{"id":70}`},
		step{"POST /subjects/s/versions", given(v2, 70, 4), 422, `~42207`},
		step{"POST /subjects/s/versions", given(`"string"`, 50, 9), 200, `{"id":50}`}, // not judged
		step{"GET /subjects/s/versions", "", 200, `[3,9]`},
		step{"PUT /mode", `{"mode":"IMPORT"}`, 422, `~Cannot import since found existing subjects`},
		step{"PUT /mode?force=true", `{"mode":"IMPORT"}`, 200, ""},
		step{"PUT /mode", `{"mode":"READWRITE"}`, 200, ""},
		step{"PUT /mode/s", `{"mode":"READWRITE"}`, 200, ""},
		step{"POST /subjects/t/versions", schemaBody(v2), 200, `{"id":71}`}, // an imported id is never given again
	)
	s.stop()
	s = serve(t, path)
	s.run(
		step{"GET /mode/s", "", 200, `{"mode":"READWRITE"}`},
		step{"GET /schemas/ids/70/versions", "", 200, `[{"subject":"s","version":3}]`},
	)
}
