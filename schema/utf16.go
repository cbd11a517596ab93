package schema

import "unicode/utf16"

func encodeUTF16(r rune) []uint16 { return utf16.AppendRune(nil, r) }

func decodeUTF16(units []uint16) string { return string(utf16.Decode(units)) }
