package postgres

import (
	"fmt"
	"slices"
	"strings"

	"rdip/internal/fault"
	"rdip/schema"
)

// Generated columns are in no record (P11). A replica identity may have them all the same: a key's, which then has a hole
// in the records, or every one of the table under FULL. From 18 on PostgreSQL refuses every UPDATE and DELETE of a table
// with such an identity once it is in a publication that does not publish them (CheckCmdReplicaIdentity), which none does
// with virtual ones.

// identityGenerated is the generated columns in a table's replica identity.
func (t *table) identityGenerated() []string {
	if t.Identity == 'f' {
		return t.Generated
	}
	var names []string
	for _, name := range t.Key() {
		if slices.Contains(t.Generated, name) {
			names = append(names, name)
		}
	}
	return names
}

// generatesStored says whether the table's replica identity has stored generated columns, and no virtual ones.
func (t *table) generatesStored() bool {
	return len(t.identityGenerated()) > 0 && !(t.Identity == 'f' && t.Virtual)
}

// publishGenerated says whether a publication of these tables has to have stored generated columns, so that the
// application can go on to change its rows. One of all tables has them for those that are not captured, too.
func (c *Config) publishGenerated(want *captured) bool {
	return slices.ContainsFunc(want.leaves(), func(t *table) bool {
		return t.LogsGenerated && (c.PublicationMode == PublicationAllTables || t.generatesStored())
	})
}

const publishStored = "publish_generated_columns = stored"

// generatedFinding is what a table's publication does to it because of generated columns.
func (c *Config) generatedFinding(u *unit, leaf *table, pub *publication) (fault.Finding, bool) {
	t := c.identified(leaf)
	names := strings.Join(t.identityGenerated(), ", ")
	f := fault.Finding{Kind: fault.Preflight, Where: "table " + leaf.ID(), Case: "P6"}
	switch {
	case names == "" || t.OldRow() == schema.BeforeNothing: // the latter is identityFinding's
		return f, false
	case t.Identity != 'f':
		f.Seen = "its replica identity has the generated column " + names + ", which is in no record: an UPDATE or DELETE would not say which row it is of"
		f.Need = c.identityNeeded("another replica identity")
		f.Fix = c.fullIdentitySQL(leaf)
	case !t.LogsGenerated || t.generatesStored() && c.willPublishGenerated(pub):
		return f, false // the whole row without them says which it is
	case t.generatesStored():
		f.Seen = "its replica identity is FULL, and the publication has not its generated column " + names + ": PostgreSQL refuses every UPDATE and DELETE of it, the application's own too"
		f.Need = "stored generated columns in the publication; records are without them all the same"
		f.Fix = c.setPublicationSQL(publishStored)
	default:
		f.Seen = "its replica identity is FULL, and it has a virtual generated column among " + names + ": once it is published, PostgreSQL refuses every UPDATE and DELETE of it, the application's own too"
		f.Need = "a key as its replica identity"
		f.Fix = "ALTER TABLE " + quoteTable(leaf.Schema, leaf.Name) + " REPLICA IDENTITY DEFAULT, which is its primary key, or USING INDEX"
	}
	f.Severity = c.identitySeverity(u, pub)
	return f, true
}

// identified is the table with the replica identity that replica.identity.autoset.values gives it, where that is known
// beforehand.
func (c *Config) identified(t *table) *table {
	all, err := parseIdentities(c.Identities)
	if err != nil {
		return t
	}
	w, err := identityOf(all, t.ID())
	if err != nil || w == nil || w.kind == 'i' {
		return t
	}
	after := *t
	after.Identity = w.kind
	return &after
}

// willPublishGenerated says whether the publication has stored generated columns once Open is done with it.
func (c *Config) willPublishGenerated(pub *publication) bool {
	if pub == nil {
		return c.PublicationMode != PublicationDisabled
	}
	return pub.Generated || c.mends(pub)
}

// identitySeverity is how grave it is that PostgreSQL refuses changes of a published table.
func (c *Config) identitySeverity(u *unit, pub *publication) fault.Severity {
	if c.PublishWithoutIdentity {
		return fault.Warning
	}
	if pub != nil {
		if _, already := pub.Tables[u.ID()]; already {
			return fault.Warning // that is so without us
		}
	}
	return fault.Fatal
}

// fullIdentitySQL gives a table the identity that any table can have.
func (c *Config) fullIdentitySQL(t *table) string {
	if t.LogsGenerated && t.Virtual {
		return fmt.Sprintf("ALTER TABLE %s ADD PRIMARY KEY (COLUMN), of columns that are not generated; FULL is none for a table with virtual ones", quoteTable(t.Schema, t.Name))
	}
	return "ALTER TABLE " + quoteTable(t.Schema, t.Name) + " REPLICA IDENTITY FULL"
}
