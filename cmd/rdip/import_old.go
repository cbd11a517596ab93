package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"rdip/configs"
)

// renameOld gives keys that Debezium itself has renamed their new names, and says which those are. Where both are given
// Debezium took the new one, and the old one is moot.
func renameOld(keys map[string]string) (renamed, moot map[string]string) {
	renamed, moot = map[string]string{}, map[string]string{}
	for _, old := range slices.Sorted(maps.Keys(keys)) {
		now := configs.Renamed(old)
		switch {
		case now == "":
		case keys[now] != "":
			moot[old] = now + " is given, which took its place"
		default:
			keys[now] = keys[old]
			delete(keys, old)
			renamed[now] = "an old Debezium's " + old
		}
	}
	for key, class := range keys {
		if step, ok := strings.CutSuffix(key, ".type"); ok && strings.HasSuffix(class, ".ExtractNewRecordState") {
			renameDeletes(keys, step+".", renamed)
		}
	}
	return renamed, moot
}

// oldDeletes are what drop.tombstones and delete.handling.mode said of a delete, in the one option of Debezium 3
// (ExtractNewRecordStateConfigDefinition of 2.5, which had both).
var oldDeletes = map[[2]string]string{
	{"true", "drop"}: "drop", {"false", "drop"}: "tombstone",
	{"true", "rewrite"}: "rewrite", {"false", "rewrite"}: "rewrite-with-tombstone",
	{"true", "none"}: "delete-to-tombstone",
}

// renameDeletes writes a flattening's two old options for deletes as the one that took their place. The way that has none
// now, two tombstones for each delete, is left to be refused by name.
func renameDeletes(keys map[string]string, step string, renamed map[string]string) {
	tombstones, deletes, now := keys[step+"drop.tombstones"], keys[step+"delete.handling.mode"], step+"delete.tombstone.handling.mode"
	mode := oldDeletes[[2]string{cmp.Or(tombstones, "true"), cmp.Or(deletes, "drop")}]
	if tombstones+deletes == "" || keys[now] != "" || mode == "" {
		return
	}
	keys[now] = mode
	delete(keys, step+"drop.tombstones")
	delete(keys, step+"delete.handling.mode")
	renamed[now] = "an old Debezium's drop.tombstones and delete.handling.mode"
}
