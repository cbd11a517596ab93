package integration

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
)

// documentedACLs are what docs/PRIVILEGES.md grants on topics with the connector's prefix.
var documentedACLs = map[string]sarama.AclOperation{
	"Describe": sarama.AclOperationDescribe, "Write": sarama.AclOperationWrite,
	"Create": sarama.AclOperationCreate, "DescribeConfigs": sarama.AclOperationDescribeConfigs,
}

// grantACLs grants operations on the topics below a prefix.
func grantACLs(t *testing.T, admin sarama.ClusterAdmin, prefix string, operations ...string) {
	t.Helper()
	grantOn(t, admin, sarama.Resource{ResourceType: sarama.AclResourceTopic, ResourceName: prefix + ".", ResourcePatternType: sarama.AclPatternPrefixed}, operations)
}

func grantOn(t *testing.T, admin sarama.ClusterAdmin, resource sarama.Resource, operations []string) {
	t.Helper()
	for _, name := range operations {
		allow := sarama.Acl{Principal: "User:rdip", Host: "*", Operation: documentedACLs[name], PermissionType: sarama.AclPermissionAllow}
		if err := admin.CreateACLs([]*sarama.ResourceAcls{{Resource: resource, Acls: []*sarama.Acl{&allow}}}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestThePipelineRunsWithExactlyTheDocumentedACLsAndNamesEachMissingOne(t *testing.T) { // K6
	pg, registry := testenv.SharedPostgres(t, 18), testenv.SharedRegistry(t)
	kafka := testenv.Kafka(t, kafkaserver.Options{Users: map[string]string{"rdip": "pw"}, ACLs: true})
	admin := kafkaAdmin(t, kafka)
	database := testenv.Database(t, pg)
	execute(t, pg, database, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
	logged := func(prefix string) *harness.Setup {
		return harness.NewSetup(t, pg, database, kafka.SASLBootstrap(), registry.URL(), prefix).With(
			"security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "SCRAM-SHA-512", "sasl.username", "rdip", "sasl.password", "pw")
	}
	all := slices.Sorted(maps.Keys(documentedACLs))
	for _, c := range []struct{ missing, fix string }{
		{"Write", "--operation Write --topic without_write.public.t"},
		{"Create", "--operation Create --operation Describe --operation Write --topic without_create.public.t"},
	} {
		t.Run("without "+c.missing, func(t *testing.T) {
			prefix := "without_" + strings.ToLower(c.missing)
			grantACLs(t, admin, prefix, slices.DeleteFunc(slices.Clone(all), func(name string) bool { return name == c.missing })...)
			if c.missing == "Write" {
				if err := kafka.CreateTopic(prefix+".public.t", 1, nil); err != nil {
					t.Fatal(err)
				}
			}
			if text, code := check(logged(prefix), t); code != 3 || !strings.Contains(text, c.fix) || !strings.Contains(text, "User:rdip") {
				t.Errorf("exit code %d, want 3 and %q in\n%s", code, c.fix, text)
			}
		})
	}
	t.Run("topics of no table", func(t *testing.T) {
		grantACLs(t, admin, "own", all...)
		s := logged("own").With("connectors.shop.heartbeat.records.enabled", "true", "connectors.shop.ddl.capture", "true")
		text, code := check(s, t)
		for _, topic := range []string{"own", "__debezium-heartbeat.own"} {
			if want := "--operation Describe --operation Write --topic " + topic + "\n"; code != harness.ExitPreflight || !strings.Contains(text, want) {
				t.Errorf("exit code %d, want %q in\n%s", code, want, text)
			}
			grantOn(t, admin, sarama.Resource{ResourceType: sarama.AclResourceTopic, ResourceName: topic, ResourcePatternType: sarama.AclPatternLiteral}, all)
		}
		if text, code = check(s, t); code != harness.ExitDone || !strings.Contains(text, `topic "own.message": it does not exist yet`) {
			t.Errorf("with every grant: exit code %d\n%s", code, text)
		}
	})
	t.Run("with all", func(t *testing.T) {
		grantACLs(t, admin, "granted", all...)
		s := logged("granted")
		if text, code := check(s, t); code != 0 {
			t.Fatalf("exit code %d\n%s", code, text)
		}
		run := s.Start(t)
		run.WaitFor(t, "state=streaming")
		execute(t, pg, database, "INSERT INTO t VALUES (2)")
		await(t, kafka, &harness.RegistrySchemas{URL: registry.URL(), ByID: map[int32]string{}}, "granted.public.t", 2)
		if code := run.Stop(t); code != 0 {
			t.Errorf("rdip ended with exit code %d", code)
		}
	})
}
