package configs

// Registry says where the schema registry is. A process has one, for all of its connectors.
type Registry struct {
	URLs      string // separated by commas
	UserInfo  Secret // USER:PASSWORD
	CAFile    string
	CertFile  string
	KeyFile   string
	Plaintext bool
}

// Definition is the registry's keys, at the top level of a file.
func (c *Registry) Definition() *Definition {
	d := NewDefinition("Schema registry")
	d.Group("Schema registry")
	d.String(&c.URLs, "schema.registry.url", "Address of the Confluent-compatible schema registry; several, separated by commas, are the same registry. Required unless `embedded` is true.",
		Rank(High))
	d.Secret(&c.UserInfo, "schema.registry.basic.auth.user.info", "`USER:PASSWORD` for the registry.", Alias("basic.auth.user.info"))
	d.String(&c.CAFile, "schema.registry.ssl.ca.location", "PEM file of the authorities that sign the registry's certificate. Without it: the system's.", Alias("schema.registry.ssl.truststore.location"), Rank(Low))
	d.String(&c.CertFile, "schema.registry.ssl.certificate.location", "PEM file of this client's certificate for the registry.", Rank(Low))
	d.String(&c.KeyFile, "schema.registry.ssl.key.location", "PEM file of that certificate's key.", Rank(Low))
	d.Bool(&c.Plaintext, "schema.registry.allow.plaintext", "Allows an http:// address that is not on this machine: schemas and credentials can be read on the way.", Default("false"), Rank(Low))
	return d
}
