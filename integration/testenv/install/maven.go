package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"text/template"

	"rdip/integration/testenv/component"
)

// registryPlugin fetches the registry: from version 3 on the plugin also wants the artifact's parent,
// which was never published.
const registryPlugin = "org.apache.maven.plugins:maven-dependency-plugin:2.8"

var pom = template.Must(template.New("pom").Parse(`<project>
<modelVersion>4.0.0</modelVersion>
<groupId>rdip</groupId><artifactId>testenv</artifactId><version>1</version><packaging>pom</packaging>
{{- if .Kafka}}
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{{.Kafka}}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies>
{{- end}}
<build><plugins><plugin>
<groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>3.6.1</version>
<executions>
{{- if .Kafka}}
<execution><id>kafka</id><phase>initialize</phase><goals><goal>copy-dependencies</goal></goals>
<configuration><includeScope>runtime</includeScope><outputDirectory>{{.KafkaDir}}</outputDirectory></configuration></execution>
{{- end}}
{{- if .Postgres}}
<execution><id>postgres</id><phase>initialize</phase><goals><goal>copy</goal></goals>
<configuration><outputDirectory>{{.Downloads}}</outputDirectory><artifactItems>
{{- range .Postgres}}
<artifactItem><groupId>io.zonky.test.postgres</groupId><artifactId>embedded-postgres-binaries-{{$.Platform}}</artifactId><version>{{.}}</version></artifactItem>
{{- end}}
</artifactItems></configuration></execution>
{{- end}}
</executions>
</plugin></plugins></build>
</project>
`))

type pomData struct {
	Kafka, KafkaDir     string
	Postgres            []string // releases
	Platform, Downloads string
}

// fetchJars fetches Kafka and every missing PostgreSQL in one call of Maven, which checks the
// repository's own checksums; PostgreSQL's archives are checked again against ours.
func fetchJars(ctx context.Context, missing []step) error {
	data := pomData{Platform: component.PostgresPlatform(), Downloads: downloads()}
	for _, s := range missing {
		if s.component.Name == component.Kafka().Name {
			data.Kafka = component.KafkaVersion
			data.KafkaDir = kafkaDir() + ".partial"
		}
		if release, ok := component.PostgresRelease(postgresMajor(s.component)); ok {
			data.Postgres = append(data.Postgres, release)
		}
	}
	if data.Kafka == "" && data.Postgres == nil {
		return nil
	}
	fmt.Printf("maven: fetching PostgreSQL %v, Kafka %q\n", data.Postgres, data.Kafka)
	path := filepath.Join(component.CacheDir(), "pom.xml")
	var b bytes.Buffer
	if err := pom.Execute(&b, data); err != nil {
		return err
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		return err
	}
	if err := maven(ctx, "-f", path, "initialize"); err != nil {
		return err
	}
	if data.Kafka == "" {
		return nil
	}
	if err := os.RemoveAll(kafkaDir()); err != nil {
		return err
	}
	return os.Rename(data.KafkaDir, kafkaDir())
}

func maven(ctx context.Context, args ...string) error {
	if _, err := exec.LookPath("mvn"); err != nil {
		return errors.New("mvn is not installed; fix: sudo apt-get install -y maven")
	}
	if err := command(ctx, "mvn", append([]string{"-q", "-B"}, args...)...); err != nil {
		return fmt.Errorf("%w; Maven needs its repository: is this machine offline?", err)
	}
	return nil
}

func downloads() string { return filepath.Join(component.CacheDir(), "download") }

func kafkaDir() string { return filepath.Join(component.CacheDir(), "kafka", component.KafkaVersion) }

func unpackPostgres(major int) error {
	release, _ := component.PostgresRelease(major)
	jar := filepath.Join(downloads(),
		"embedded-postgres-binaries-"+component.PostgresPlatform()+"-"+release+".jar")
	if _, err := os.Stat(jar); err != nil {
		return notFetched("PostgreSQL " + release)
	}
	if err := component.UnpackPostgresJar(major, jar); err != nil {
		return err
	}
	return os.Remove(jar)
}

func notFetched(what string) error { return fmt.Errorf("Maven did not bring %s", what) }

func installRegistry(ctx context.Context) error {
	archive := filepath.Join(downloads(), "apicurio.tar.gz")
	if err := os.MkdirAll(downloads(), 0o755); err != nil {
		return err
	}
	err := maven(ctx, registryPlugin+":get", "-Dtransitive=false", "-Ddest="+archive,
		"-Dartifact=io.apicurio:apicurio-registry-app:"+component.RegistryVersion+":tar.gz:all")
	if err != nil {
		return err
	}
	home := filepath.Join(component.CacheDir(), "apicurio", component.RegistryVersion)
	partial := home + ".partial"
	if err := errors.Join(os.RemoveAll(partial), os.MkdirAll(partial, 0o755)); err != nil {
		return err
	}
	if err := command(ctx, "tar", "-xzf", archive, "-C", partial); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(home), os.Rename(partial, home)); err != nil {
		return err
	}
	return os.Remove(archive)
}
