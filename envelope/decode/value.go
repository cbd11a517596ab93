package decode

import (
	"bytes"
	"math"
)

// Value is one decoded value. Only the fields of its Type's kind are set; Raw is borrowed from the payload.
type Value struct {
	Type  *Type   // never a union's: the branch that was written
	Int   int64   // Int, Long; Boolean as 0 and 1; an Enum's index
	Float float64 // Float, Double
	Raw   []byte  // Bytes, String, Fixed
	Items []Value // of an Array, the fields of a Record, the values of a Map
	Keys  []string
}

var nullType = &Type{Kind: Null, Avro: "null"}

// IsNull says whether there is no value.
func (v *Value) IsNull() bool { return v.Type == nil || v.Type.Kind == Null }

// Field is a record's field, null where v is no record or has no such field.
func (v *Value) Field(name string) Value {
	if v.Type != nil && v.Type.Kind == Record {
		if i := v.Type.Field(name); i >= 0 {
			return v.Items[i]
		}
	}
	return Value{Type: nullType}
}

// Equal says whether both were written as the same value, whatever their schemas' names. NaN equals NaN.
func (v *Value) Equal(o *Value) bool {
	if v.IsNull() || o.IsNull() {
		return v.IsNull() && o.IsNull()
	}
	if v.Type.Kind != o.Type.Kind || v.Int != o.Int || math.Float64bits(v.Float) != math.Float64bits(o.Float) ||
		!bytes.Equal(v.Raw, o.Raw) || len(v.Items) != len(o.Items) || len(v.Keys) != len(o.Keys) {
		return false
	}
	for i := range v.Keys {
		if v.Keys[i] != o.Keys[i] {
			return false
		}
	}
	for i := range v.Items {
		if !v.Items[i].Equal(&o.Items[i]) {
			return false
		}
	}
	return true
}

// unavailable is what stands for a value that the log did not carry: Debezium's default for
// unavailable.value.placeholder, as text, as bytes, or as an array's only element.
const unavailable = "__debezium_unavailable_value"

// IsUnavailable says whether the log did not carry the value (PostgreSQL: unchanged TOAST).
func (v *Value) IsUnavailable() bool {
	if v.IsNull() {
		return false
	}
	switch v.Type.Kind {
	case String, Bytes:
		return string(v.Raw) == unavailable
	case Array, Map:
		return len(v.Items) == 1 && v.Items[0].IsUnavailable()
	}
	return false
}
