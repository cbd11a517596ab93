package kafka

// Advance is advance.
var Advance = advance

// BeginAt lets a test send the first record of a partition with another sequence number than 0.
func (p *Producer) BeginAt(topic string, partition, sequence int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	(*p.topics.Load())[topic].queue(partition).sequence = sequence
}

// ParseJAAS is parseJAAS's result as texts.
func ParseJAAS(text string) (isScram bool, user, password string, err error) {
	j, err := parseJAAS(text)
	return j.isScram, j.user, j.password, err
}

// DecryptKey is decryptKey.
var DecryptKey = decryptKey
