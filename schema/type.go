package schema

// Kind is an Avro type.
type Kind uint8

// The Avro types that columns become.
const (
	Boolean Kind = iota
	Int
	Long
	Float
	Double
	Bytes
	String
	Array
	Map
	Record
)

// Type is a Kafka Connect schema without its optionality: an Avro type and the name and parameters that
// give it meaning. The zero value is a plain boolean.
type Type struct {
	Kind Kind
	// ConnectType narrows an Int: "int8" or "int16". Empty for the others.
	ConnectType string
	// Name is the Connect schema's name, such as "io.debezium.time.Date"; empty for a plain type.
	Name string
	// Version is the Connect schema's version; 0 is none. Every named type of Debezium's has 1.
	Version int
	// Doc is the Connect schema's doc, on records only.
	Doc string
	// Params are Connect's parameters in their order.
	Params []Param
	// Scale and Precision of a Decimal (Name is DecimalName); they become properties of the Avro type.
	Scale, Precision int
	// Items of an Array, Values of a Map. They are nullable unless ItemsRequired.
	Items         *Type
	ItemsRequired bool
	// Fields of a Record. Its full Avro name is Name.
	Fields []Field
}

// Param is one of Connect's parameters.
type Param struct{ Key, Value string }

// Field is one field of a Record type.
type Field struct {
	Name     string
	Type     Type
	Nullable bool
}

// Names of Connect's and Debezium's semantic types.
const (
	DecimalName              = "org.apache.kafka.connect.data.Decimal"
	ConnectDateName          = "org.apache.kafka.connect.data.Date"
	ConnectTimeName          = "org.apache.kafka.connect.data.Time"
	ConnectTimestampName     = "org.apache.kafka.connect.data.Timestamp"
	VariableScaleDecimalName = "io.debezium.data.VariableScaleDecimal"
	EnumName                 = "io.debezium.data.Enum"
)

// Plain is a type that is only its Avro kind.
func Plain(k Kind) Type { return Type{Kind: k} }

// Named is an Avro kind with one of Debezium's names, version 1.
func Named(k Kind, name string, params ...Param) Type {
	return Type{Kind: k, Name: name, Version: 1, Params: params}
}
