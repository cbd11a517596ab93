package convert

import (
	"fmt"

	"rdip/schema"
)

// Path names a part of an envelope: one of its fields (Parent empty), or a field of a record in it.
type Path struct{ Parent, Field string }

func (p Path) String() string {
	if p.Parent == "" {
		return p.Field
	}
	return p.Parent + "." + p.Field
}

// Part is what a Picker found of one path, borrowed from the envelope.
type Part struct {
	Avro []byte // without a union's index; nil where IsNull
	// IsNull: the value is null, or the record that it would be in.
	IsNull bool
}

// Picker finds parts of an envelope in its Avro. It is safe for concurrent use.
type Picker struct {
	root  *typ
	paths []Path
	// of, for each field of the root, are the paths' indexes: of the field itself, and of its own fields.
	whole [][]int
	inner [][][]int // nil where nothing in the field is asked for
	slots []slot
}

// Pick compiles the Picker of some parts. The error names a part that the schema does not have.
func (s *Schema) Pick(paths ...Path) (*Picker, error) {
	root := s.root.typ
	if root.kind != schema.Record || s.root.optional {
		return nil, fmt.Errorf("the schema is not a record's")
	}
	p := &Picker{root: root, paths: paths, slots: make([]slot, len(paths)),
		whole: make([][]int, len(root.fields)), inner: make([][][]int, len(root.fields))}
	for i, path := range paths {
		if err := p.add(i, path); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *Picker) add(i int, path Path) error {
	if path.Parent == "" {
		at := p.root.index(path.Field)
		if at < 0 {
			return &MissingError{path}
		}
		p.whole[at] = append(p.whole[at], i)
		p.slots[i] = p.root.fields[at].slot
		return nil
	}
	parent := p.root.index(path.Parent)
	if parent < 0 || p.root.fields[parent].slot.typ.kind != schema.Record {
		return &MissingError{path}
	}
	in := p.root.fields[parent].slot.typ
	at := in.index(path.Field)
	if at < 0 {
		return &MissingError{path}
	}
	if p.inner[parent] == nil {
		p.inner[parent] = make([][]int, len(in.fields))
	}
	p.inner[parent][at] = append(p.inner[parent][at], i)
	p.slots[i] = in.fields[at].slot
	return nil
}

// MissingError is a part that an envelope does not have.
type MissingError struct{ Path Path }

func (e *MissingError) Error() string { return "there is no field " + e.Path.String() }

// index is the field's place, -1 where the record has none of the name.
func (t *typ) index(name string) int {
	for i := range t.fields {
		if t.fields[i].name == name {
			return i
		}
	}
	return -1
}

// Read finds the parts of one envelope, Avro binary without a frame. into has one Part a path.
func (p *Picker) Read(avro []byte, into []Part) error {
	r := reader{in: avro}
	for i := range p.root.fields {
		p.field(&r, i, into)
	}
	if r.bad || len(r.in) > 0 {
		return ErrCorrupt
	}
	return nil
}

func (p *Picker) field(r *reader, i int, into []Part) {
	f := &p.root.fields[i]
	if r.isNull(&f.slot) {
		setNull(p.whole[i], into)
		for _, asked := range p.inner[i] {
			setNull(asked, into)
		}
		return
	}
	from := r.in
	if p.inner[i] == nil {
		r.skipValue(f.slot.typ)
	} else {
		fields := f.slot.typ.fields
		for j := range fields {
			r.pick(&fields[j].slot, p.inner[i][j], into)
		}
	}
	set(p.whole[i], from[:len(from)-len(r.in)], into)
}

// pick reads one value, and gives it to the parts that ask for it.
func (r *reader) pick(s *slot, asked []int, into []Part) {
	if r.isNull(s) {
		setNull(asked, into)
		return
	}
	from := r.in
	r.skipValue(s.typ)
	if !r.bad {
		set(asked, from[:len(from)-len(r.in)], into)
	}
}

func set(asked []int, avro []byte, into []Part) {
	for _, i := range asked {
		into[i] = Part{Avro: avro[:len(avro):len(avro)]}
	}
}

func setNull(asked []int, into []Part) {
	for _, i := range asked {
		into[i] = Part{IsNull: true}
	}
}

// Column is the schema of one part.
type Column struct{ s slot }

// Column is the schema of the i-th part.
func (p *Picker) Column(i int) Column { return Column{p.slots[i]} }

// Kind is the column's Avro type.
func (c Column) Kind() schema.Kind { return c.s.typ.kind }

// IsOptional says whether the column may be null.
func (c Column) IsOptional() bool { return c.s.optional }

// Name is Connect's name of the column's meaning, "" for none.
func (c Column) Name() string { return c.s.typ.name }

// Connect is Connect's name of the column's type, such as "int16".
func (c Column) Connect() string { return c.s.typ.connect }

// AppendHeader appends a part as Connect's SimpleHeaderConverter writes it: text as it is, numbers in
// decimal, bytes in base64, records and arrays as JSON. A null has no bytes: do not ask for it.
func (c Column) AppendHeader(dst []byte, p Part) ([]byte, error) {
	r := reader{in: p.Avro}
	out := r.appendTop(dst, c.s.typ, false)
	if r.bad || len(r.in) > 0 {
		return dst, ErrCorrupt
	}
	return out, nil
}

// AppendOptional appends a part as a ["null", T].
func AppendOptional(dst []byte, p Part) []byte {
	if p.IsNull {
		return append(dst, 0)
	}
	return append(append(dst, 2), p.Avro...)
}

// AppendAs appends a part as Column.Schema has it.
func (c Column) AppendAs(dst []byte, p Part) []byte {
	switch {
	case !c.s.optional:
		return append(dst, p.Avro...)
	case p.IsNull:
		return append(dst, byte(2*c.s.null))
	default:
		return append(append(dst, byte(2*(1-c.s.null))), p.Avro...)
	}
}

// Long is a part of kind Int or Long.
func (p Part) Long() int64 {
	r := reader{in: p.Avro}
	return r.long()
}

// Text is a part of kind String or Bytes, borrowed from the envelope; nil where it is null.
func (p Part) Text() []byte {
	if p.IsNull {
		return nil
	}
	r := reader{in: p.Avro}
	return r.take(r.long())
}

// Column is the schema as a whole, of a value that stands alone.
func (s *Schema) Column() Column { return Column{s.root} }
