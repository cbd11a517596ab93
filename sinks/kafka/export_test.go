package kafka

// RotateAfter lets a test have a new producer id after fewer records than 2^31.
func (p *Producer) RotateAfter(records int64) { p.rotate = records }

// ParseJAAS is parseJAAS's result as texts.
func ParseJAAS(text string) (isScram bool, user, password string, err error) {
	j, err := parseJAAS(text)
	return j.isScram, j.user, j.password, err
}

// DecryptKey is decryptKey.
var DecryptKey = decryptKey
