package integration

// onPurpose are the rows of the list in docs/TYPES.md that concern one table under the default
// configuration; the others have tests of their own beside it.
var onPurpose = []difference{
	{
		name: "a NULL in a nullable column with a default stays NULL", topic: "public.defaulted",
		setup:   `CREATE TABLE defaulted (id int PRIMARY KEY, a int DEFAULT 7, b text DEFAULT 'x'); INSERT INTO defaulted VALUES (1, NULL, NULL)`,
		changes: `INSERT INTO defaulted VALUES (2, NULL, 'y'), (3, DEFAULT, DEFAULT)`,
		rdip: outcome{
			records: []string{"r key{id=1} after{id=1 a=null b=null}", "c key{id=2} after{id=2 a=null b=y}", "c key{id=3} after{id=3 a=7 b=x}"},
			columns: map[string]string{"a": `[{"type":"int","connect.default":7},"null"]`},
		},
		debezium: outcome{
			records: []string{"r key{id=1} after{id=1 a=7 b=x}", "c key{id=2} after{id=2 a=7 b=y}", "c key{id=3} after{id=3 a=7 b=x}"},
			columns: map[string]string{"a": `[{"type":"int","connect.default":7},"null"]`},
		},
	},
	{
		name: "an old row of which only the key is known says so", topic: "public.keyonly", // P7, G9
		setup:   `CREATE TABLE keyonly (id int PRIMARY KEY, n int NOT NULL, s text, d int NOT NULL DEFAULT 5); INSERT INTO keyonly VALUES (1, 2, 'x', 9)`,
		changes: `UPDATE keyonly SET id = 10; DELETE FROM keyonly`,
		rdip: outcome{records: []string{
			"r key{id=1} after{id=1 n=2 s=x d=9}",
			`d key{id=1} before{id=1 n=0 s=null d=5} headers{__debezium.newkey={"id":10} __rdip.before=key}`,
			`tombstone key{id=1} headers{__debezium.newkey={"id":10}}`,
			`c key{id=10} after{id=10 n=2 s=x d=9} headers{__debezium.oldkey={"id":1}}`,
			"d key{id=10} before{id=10 n=0 s=null d=5} headers{__rdip.before=key}",
			"tombstone key{id=10}",
		}},
		debezium: outcome{records: []string{
			"r key{id=1} after{id=1 n=2 s=x d=9}",
			`d key{id=1} before{id=1 n=0 s=null d=5} headers{__debezium.newkey={"id":10}}`,
			`tombstone key{id=1} headers{__debezium.newkey={"id":10}}`,
			`c key{id=10} after{id=10 n=2 s=x d=9} headers{__debezium.oldkey={"id":1}}`,
			"d key{id=10} before{id=10 n=0 s=null d=5}",
			"tombstone key{id=10}",
		}},
	},
	{
		name: "columns that the log did not carry are named", topic: "public.toasted", // P1, P4, G9
		setup: `CREATE TABLE toasted (id int PRIMARY KEY, n int, doc text, b bytea, a text[]);
			ALTER TABLE toasted ALTER doc SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL, ALTER a SET STORAGE EXTERNAL`,
		changes: `INSERT INTO toasted VALUES (1, 1, NULL, NULL, NULL); UPDATE toasted SET n = 2;
			UPDATE toasted SET doc = repeat('d', 4000), b = convert_to(repeat('b', 4000), 'UTF8'), a = ARRAY[repeat('a', 4000)];
			UPDATE toasted SET n = 3, b = '\x01'; UPDATE toasted SET n = 4, doc = 'short', a = NULL`,
		rdip: outcome{records: []string{
			"c key{id=1} after{id=1 n=1 doc=null b=null a=null}",
			"u key{id=1} after{id=1 n=2 doc=null b=null a=null}",
			"u key{id=1} after{id=1 n=2 doc=" + shown('d') + ` b=\x62626262626262626262626262626262… (4000 bytes) a=[` + shown('a') + "]}",
			`u key{id=1} after{id=1 n=3 doc=(not in the log) b=\x01 a=(not in the log)} headers{__rdip.unavailable=["doc","a"]}`,
			`u key{id=1} after{id=1 n=4 doc=short b=\x01 a=null}`,
		}},
		debezium: outcome{records: []string{
			"c key{id=1} after{id=1 n=1 doc=null b=null a=null}",
			"u key{id=1} after{id=1 n=2 doc=null b=null a=null}",
			"u key{id=1} after{id=1 n=2 doc=" + shown('d') + ` b=\x62626262626262626262626262626262… (4000 bytes) a=[` + shown('a') + "]}",
			`u key{id=1} after{id=1 n=3 doc=(not in the log) b=\x01 a=(not in the log)}`,
			`u key{id=1} after{id=1 n=4 doc=short b=\x01 a=null}`,
		}},
	},
	{
		name: "type name has its value in the stream too", topic: "public.named", same: true,
		setup:   `CREATE TABLE named (id int PRIMARY KEY, n name); INSERT INTO named VALUES (1, 'n')`,
		changes: `INSERT INTO named VALUES (2, 'm')`,
		rdip:    outcome{records: []string{"r key{id=1} after{id=1 n=n}", "c key{id=2} after{id=2 n=m}"}},
	},
	{
		name: "generated columns are in neither snapshot nor stream", topic: "public.generated", same: true, // P11
		setup:   `CREATE TABLE generated (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED); INSERT INTO generated VALUES (1, 1)`,
		changes: `INSERT INTO generated VALUES (2, 2); UPDATE generated SET a = 3 WHERE id = 2`,
		rdip: outcome{
			records: []string{"r key{id=1} after{id=1 a=1}", "c key{id=2} after{id=2 a=2}", "u key{id=2} after{id=2 a=3}"},
			columns: map[string]string{"twice": ""},
		},
	},
	{
		name: "infinite dates and those before Christ are the same in the snapshot", topic: "public.dates", same: true, // P26
		setup: `CREATE TABLE dates (id int PRIMARY KEY, d date, ts timestamp, tz timestamptz);
			INSERT INTO dates VALUES (1, 'infinity', 'infinity', 'infinity'), (2, '-infinity', '-infinity', '-infinity'), (3, '0044-03-15 BC', '0044-03-15 12:00 BC', '0044-03-15 12:00+00 BC')`,
		changes: `UPDATE dates SET id = id`,
		rdip: outcome{records: []string{
			"r key{id=1} after{id=1 d=infinity ts=infinity tz=infinity}", "r key{id=2} after{id=2 d=-infinity ts=-infinity tz=-infinity}",
			"r key{id=3} after{id=3 d=0044-03-15 BC ts=0044-03-15 12:00:00 BC tz=-0043-03-15T12:00:00.000000Z}",
			"u key{id=1} after{id=1 d=infinity ts=infinity tz=infinity}", "u key{id=2} after{id=2 d=-infinity ts=-infinity tz=-infinity}",
			"u key{id=3} after{id=3 d=0044-03-15 BC ts=0044-03-15 12:00:00 BC tz=-0043-03-15T12:00:00.000000Z}",
		}},
	},
	{
		name: "time[] keeps its microseconds", topic: "public.times", same: true,
		setup:   `CREATE TABLE times (id int PRIMARY KEY, t time[]); INSERT INTO times VALUES (1, '{12:34:56.789012}')`,
		changes: `INSERT INTO times VALUES (2, '{00:00:00.000001,NULL}')`,
		rdip:    outcome{records: []string{"r key{id=1} after{id=1 t=[12:34:56.789012]}", "c key{id=2} after{id=2 t=[00:00:00.000001, null]}"}},
	},
	{
		name: "a numeric that is not a number stops its table and names the column", topic: "public.numbers", same: true, // P25
		setup:   `CREATE TABLE numbers (id int PRIMARY KEY, price numeric(6,2)); INSERT INTO numbers VALUES (1, 1.50)`,
		changes: `INSERT INTO numbers VALUES (2, 2); INSERT INTO numbers VALUES (3, 'NaN'); INSERT INTO numbers VALUES (4, 4)`,
		rdip:    outcome{records: []string{"r key{id=1} after{id=1 price=1.50}", "c key{id=2} after{id=2 price=2.00}"}},
		log:     []string{"table stopped; the other tables go on", "table=public.numbers", "column price"},
	},
	{
		name: "a numeric without a scale that is infinite stops its table", topic: "public.anynumbers", same: true, // P25
		setup:   `CREATE TABLE anynumbers (id int PRIMARY KEY, n numeric); INSERT INTO anynumbers VALUES (1, 1e3)`,
		changes: `INSERT INTO anynumbers VALUES (2, 'Infinity')`,
		rdip:    outcome{records: []string{"r key{id=1} after{id=1 n=1000}"}},
		log:     []string{"table=public.anynumbers", "column n"},
	},
	{
		name: "an array whose lower bounds are not 1 stops its table", topic: "public.bounds", // P24
		setup:    `CREATE TABLE bounds (id int PRIMARY KEY, a int[]); INSERT INTO bounds VALUES (1, '{1,NULL}')`,
		changes:  `INSERT INTO bounds VALUES (2, '[0:1]={7,8}')`,
		rdip:     outcome{records: []string{"r key{id=1} after{id=1 a=[1, null]}"}, log: []string{"table=public.bounds"}},
		debezium: outcome{records: []string{"r key{id=1} after{id=1 a=[1, null]}", "c key{id=2} after{id=2 a=[7, 8]}"}},
	},
	{
		name: "an array of other dimensions than its column's stops its table", topic: "public.cubes", same: true, // P24
		setup:   `CREATE TABLE cubes (id int PRIMARY KEY, a int[]); INSERT INTO cubes VALUES (1, '{}')`,
		changes: `INSERT INTO cubes VALUES (2, '{{1},{2}}')`,
		rdip:    outcome{records: []string{"r key{id=1} after{id=1 a=[]}"}},
		log:     []string{"table=public.cubes", "array.handling.mode: text"},
	},
	{
		name: "an array is nested as its column is declared", topic: "public.matrices", // P24
		setup:   `CREATE TABLE matrices (id int PRIMARY KEY, a int[][]); INSERT INTO matrices VALUES (1, '{}')`,
		changes: `INSERT INTO matrices VALUES (2, '{{1,NULL},{3,4}}')`,
		rdip: outcome{
			records: []string{"r key{id=1} after{id=1 a=[]}", "c key{id=2} after{id=2 a=[[1, null], [3, 4]]}"},
			columns: map[string]string{"a": `["null",{"type":"array","items":{"type":"array","items":["null","int"]}}]`},
		},
		debezium: outcome{
			records: []string{"r key{id=1} after{id=1 a=[]}"},
			columns: map[string]string{"a": `["null",{"type":"array","items":["null","int"]}]`},
		},
	},
	{
		name: "a negative scale is right", since: 15, topic: "public.hundreds", same: true,
		setup:   `CREATE TABLE hundreds (id int PRIMARY KEY, n numeric(5,-2)); INSERT INTO hundreds VALUES (1, 12345)`,
		changes: `INSERT INTO hundreds VALUES (2, -9999900)`,
		rdip: outcome{
			records: []string{"r key{id=1} after{id=1 n=12300}", "c key{id=2} after{id=2 n=-9999900}"},
			columns: map[string]string{"n": `["null",{"type":"bytes","scale":0,"precision":7,"connect.version":1,"connect.parameters":{"scale":"0","connect.decimal.precision":"7"},"connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"}]`},
		},
	},
	{
		name: "an offset of timetz may have seconds", topic: "public.zoned", same: true, // P27
		setup:   `CREATE TABLE zoned (id int PRIMARY KEY, t timetz); INSERT INTO zoned VALUES (1, '01:02:03+05:53:28')`,
		changes: `INSERT INTO zoned VALUES (2, '24:00:00-00:00:30')`,
		rdip:    outcome{records: []string{"r key{id=1} after{id=1 t=19:08:35Z}", "c key{id=2} after{id=2 t=00:00:30Z}"}},
	},
	{
		name: "the key is that of the replica identity's index", topic: "public.indexed", same: false, // P8
		setup: `CREATE TABLE indexed (id int PRIMARY KEY, a int NOT NULL, b text NOT NULL, c int);
			CREATE UNIQUE INDEX indexed_ba ON indexed (b, a); ALTER TABLE indexed REPLICA IDENTITY USING INDEX indexed_ba; INSERT INTO indexed VALUES (1, 2, 'x', 3)`,
		changes: `UPDATE indexed SET c = 4; UPDATE indexed SET b = 'y'; UPDATE indexed SET id = 9; DELETE FROM indexed`,
		rdip: outcome{records: []string{
			"r key{b=x a=2} after{id=1 a=2 b=x c=3}",
			"u key{b=x a=2} after{id=1 a=2 b=x c=4}",
			`d key{b=x a=2} before{id=0 a=2 b=x c=null} headers{__debezium.newkey={"b":"y","a":2} __rdip.before=key}`,
			`tombstone key{b=x a=2} headers{__debezium.newkey={"b":"y","a":2}}`,
			`c key{b=y a=2} after{id=1 a=2 b=y c=4} headers{__debezium.oldkey={"b":"x","a":2}}`,
			"u key{b=y a=2} after{id=9 a=2 b=y c=4}",
			"d key{b=y a=2} before{id=0 a=2 b=y c=null} headers{__rdip.before=key}",
			"tombstone key{b=y a=2}",
		}},
		debezium: outcome{records: []string{
			"r key{b=x a=2} after{id=1 a=2 b=x c=3}",
			"u key{b=x a=2} after{id=1 a=2 b=x c=4}",
			`d key{b=x a=2} before{id=0 a=2 b=x c=null} headers{__debezium.newkey={"b":"y","a":2}}`,
			`tombstone key{b=x a=2} headers{__debezium.newkey={"b":"y","a":2}}`,
			`c key{b=y a=2} after{id=1 a=2 b=y c=4} headers{__debezium.oldkey={"b":"x","a":2}}`,
			"u key{b=y a=2} after{id=9 a=2 b=y c=4}",
			"d key{b=y a=2} before{id=0 a=2 b=y c=null}",
			"tombstone key{b=y a=2}",
		}},
	},
	{
		name: "a partitioned table is read once, through its leaves", topic: "public.parted_low", same: true, // P12
		setup: `CREATE TABLE parted (id int PRIMARY KEY, v text) PARTITION BY RANGE (id); CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (100);
			CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (100) TO (200); INSERT INTO parted VALUES (1, 'a'), (101, 'b')`,
		changes: `INSERT INTO parted VALUES (2, 'c'), (102, 'd')`,
		rdip:    outcome{records: []string{"r key{id=1} after{id=1 v=a}", "c key{id=2} after{id=2 v=c}"}, absent: []string{"public.parted"}},
	},
	{
		name: "a type that Debezium leaves out is its text", topic: "public.foreign_types", // P24
		setup: `CREATE TYPE pair AS (a int, b text);
			CREATE TABLE foreign_types (id int PRIMARY KEY, p pair, m int4multirange, b box, l pg_lsn, x xid, r regclass, q tsquery, j jsonpath);
			INSERT INTO foreign_types VALUES (1, '(1,"x y")', '{[1,3)}', '(1,1),(0,0)', '0/16B3748', '7', 'pg_class', 'a & b', '$.a')`,
		changes: `INSERT INTO foreign_types SELECT 2, p, m, b, l, x, r, q, j FROM foreign_types`,
		rdip: outcome{
			records: []string{
				`r key{id=1} after{id=1 p="(1,\"x y\")" m={[1,3)} b="(1,1),(0,0)" l=0/16B3748 x=7 r=pg_class q='a' & 'b' j=$."a"}`,
				`c key{id=2} after{id=2 p="(1,\"x y\")" m={[1,3)} b="(1,1),(0,0)" l=0/16B3748 x=7 r=pg_class q='a' & 'b' j=$."a"}`,
			},
			columns: map[string]string{"p": `["null","string"]`},
		},
		debezium: outcome{
			records: []string{"r key{id=1} after{id=1}", "c key{id=2} after{id=2}"},
			columns: map[string]string{"p": "", "m": "", "b": "", "l": "", "x": "", "r": "", "q": "", "j": ""},
			log:     []string{"column q of type tsquery: left out, as Debezium does", "column m of type int4multirange: left out"},
		},
	},
	{
		name: "a default that is not a constant is no default", topic: "public.computed",
		setup: `CREATE TABLE computed (id int PRIMARY KEY, at timestamptz DEFAULT now(), n int NOT NULL DEFAULT abs(-3), k int DEFAULT 3);
			INSERT INTO computed VALUES (1, NULL, 1, 1)`,
		changes: `INSERT INTO computed VALUES (2, '2024-01-02 03:04:05+00', 2, 2)`,
		rdip: outcome{
			records: []string{"r key{id=1} after{id=1 at=null n=1 k=1}", "c key{id=2} after{id=2 at=2024-01-02T03:04:05.000000Z n=2 k=2}"},
			columns: map[string]string{"n": `"int"`, "k": `[{"type":"int","connect.default":3},"null"]`,
				"at": `["null",{"type":"string","connect.version":1,"connect.name":"io.debezium.time.ZonedTimestamp"}]`},
		},
		debezium: outcome{
			records: []string{"r key{id=1} after{id=1 at=1970-01-01T00:00:00.000000Z n=1 k=1}", "c key{id=2} after{id=2 at=2024-01-02T03:04:05.000000Z n=2 k=2}"},
			columns: map[string]string{"n": `{"type":"int","connect.default":0}`},
		},
	},
	{
		name: "an array of enums holds its NULL", topic: "public.moods", same: true,
		setup:   `CREATE TYPE feeling AS ENUM ('sad', 'ok'); CREATE TABLE moods (id int PRIMARY KEY, m feeling[]); INSERT INTO moods VALUES (1, '{sad,NULL}')`,
		changes: `INSERT INTO moods VALUES (2, '{NULL,ok}')`,
		rdip:    outcome{records: []string{"r key{id=1} after{id=1 m=[sad, null]}", "c key{id=2} after{id=2 m=[null, ok]}"}},
	},
	{
		name: "an array of a domain is an array", topic: "public.tagged",
		setup:   `CREATE DOMAIN tag AS varchar(9); CREATE TABLE tagged (id int PRIMARY KEY, t tag, ts tag[]); INSERT INTO tagged VALUES (1, 'a', '{a,b}')`,
		changes: `INSERT INTO tagged VALUES (2, 'c', '{c}')`,
		rdip: outcome{
			records: []string{"r key{id=1} after{id=1 t=a ts=[a, b]}", "c key{id=2} after{id=2 t=c ts=[c]}"},
			columns: map[string]string{"ts": `["null",{"type":"array","items":["null","string"]}]`},
		},
		debezium: outcome{
			records: []string{"r key{id=1} after{id=1 t=a}", "c key{id=2} after{id=2 t=c}"},
			columns: map[string]string{"ts": ""},
			log:     []string{"ts"},
		},
	},
	{
		name: "names that Avro and Kafka refuse are escaped, and no two meet", topic: "public._u00c4rger_u0021_u0020_u005fu0041", same: true, // P31, R5
		setup: `CREATE TABLE "Ärger! _u0041" ("id" int PRIMARY KEY, "größe in cm" int, "1st" int, "a-b" int, "a_b" int, "_u002d" int);
			INSERT INTO "Ärger! _u0041" VALUES (1, 2, 3, 4, 5, 6)`,
		changes: `INSERT INTO "Ärger! _u0041" VALUES (2, 3, 4, 5, 6, 7)`,
		rdip: outcome{
			records: []string{"r key{id=1} after{id=1 größe in cm=2 1st=3 a-b=4 a_b=5 _u002d=6}", "c key{id=2} after{id=2 größe in cm=3 1st=4 a-b=5 a_b=6 _u002d=7}"},
			columns: map[string]string{"gr_u00f6_u00dfe_u0020in_u0020cm": `["null","int"]`, "_u0031st": `["null","int"]`, "a_u002db": `["null","int"]`, "a_b": `["null","int"]`, "_u005fu002d": `["null","int"]`},
		},
	},
}

// shown is how 4,000 of a character are shown: the first 60 of them.
func shown(c byte) string {
	const first = 60
	text := make([]byte, first)
	for i := range text {
		text[i] = c
	}
	return string(text) + "… (4000 bytes)"
}
