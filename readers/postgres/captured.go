package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// captured is what the filters choose, in the terms of the log.
type captured struct {
	units    []*unit
	unlogged []*table // chosen, and not in the log at all
	// hidden are partitioned tables that are chosen while none of their partitions is, and rows come as the
	// partitions' own.
	hidden []*table
	// bare are partitioned tables that are chosen and have no partitions yet.
	bare []*table
}

// unit is one table as events name it: a plain table, a partition, or under publish.via.partition.root a
// partitioned table (P12).
type unit struct {
	*table
	// leaves hold the rows: the table itself, or a partitioned table's partitions, chosen or not.
	leaves []*table
	// published is what the publication has to name: the topmost chosen partitioned table above it, so that
	// partitions made later are published too, or the table itself.
	published *table
}

// capture sorts the chosen tables. With viaRoot rows of partitions are those of the topmost chosen
// partitioned table above them, as the server publishes them (get_rel_sync_entry in pgoutput.c).
func (c *catalog) capture(ctx context.Context, viaRoot bool) (*captured, error) {
	chosen, err := c.tables(ctx)
	if err != nil {
		return nil, err
	}
	family := make(family, len(chosen))
	for _, t := range chosen {
		family[t.OID] = t
	}
	found := &captured{}
	used := map[uint32]bool{}
	for _, t := range chosen {
		top := family.top(t)
		switch {
		case t.Unlogged:
			found.unlogged = append(found.unlogged, t)
		case viaRoot && top != t: // its rows are those of top
		case viaRoot && t.Kind == 'p':
			leaves, err := c.leaves(ctx, t)
			if err != nil {
				return nil, err
			}
			found.units = append(found.units, &unit{table: t, leaves: leaves, published: t})
		case t.Kind != 'p':
			used[top.OID] = true
			found.units = append(found.units, &unit{table: t, leaves: []*table{t}, published: top})
		}
	}
	for _, t := range chosen {
		if viaRoot || t.Kind != 'p' || family.top(t) != t || used[t.OID] {
			continue
		}
		leaves, err := c.leaves(ctx, t)
		if err != nil {
			return nil, err
		}
		if len(leaves) == 0 {
			found.bare = append(found.bare, t)
		} else {
			found.hidden = append(found.hidden, t)
		}
	}
	return found, nil
}

// family is the chosen tables by OID.
type family map[uint32]*table

// top is the topmost partitioned table above t that can be reached through chosen ones, or t.
func (f family) top(t *table) *table {
	for t.Partition && len(t.Parents) == 1 && f[t.Parents[0]] != nil {
		t = f[t.Parents[0]]
	}
	return t
}

const leavesSQL = `
SELECT t.relid::oid FROM pg_catalog.pg_partition_tree($1::oid::regclass) t
JOIN pg_catalog.pg_class c ON c.oid = t.relid
WHERE t.isleaf AND c.relkind = 'r'`

// leaves is the tables that hold a partitioned table's rows. Foreign tables among them are in no log.
func (c *catalog) leaves(ctx context.Context, root *table) ([]*table, error) {
	oids, err := gather(ctx, c.q, "list partitions", pgx.RowTo[uint32], leavesSQL, root.OID)
	if err != nil {
		return nil, err
	}
	leaves, err := c.relations(ctx, relationsSQL+" AND c.oid = ANY ($1::oid[])"+relationOrderSQL, oids)
	if err != nil {
		return nil, err
	}
	leaves = slices.DeleteFunc(leaves, func(t *table) bool { return t.Unlogged })
	return leaves, c.fill(ctx, leaves)
}

// published is what the publication has to name, each once.
func (c *captured) published() []*table {
	var all []*table
	seen := map[uint32]bool{}
	for _, u := range c.units {
		if !seen[u.published.OID] {
			seen[u.published.OID] = true
			all = append(all, u.published)
		}
	}
	return all
}

// leaves is every table that holds captured rows.
func (c *captured) leaves() []*table {
	var all []*table
	for _, u := range c.units {
		all = append(all, u.leaves...)
	}
	return all
}
