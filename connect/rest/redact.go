package rest

import (
	"net/url"
	"regexp"
	"strings"
)

// mask stands for a secret, as Debezium's logs write it.
const mask = "********"

// secretKey knows the keys of Debezium, Connect and Kafka clients whose values are secrets, wholly or in
// part: database.password, ssl.key.password, sasl.jaas.config, basic.auth.user.info, ...
var secretKey = regexp.MustCompile(`(?i)(password|passwd|passphrase|secret|token|credential|api[._-]?key|private[._-]?key|keystore\.key|sslkey|jaas|user\.info|\.pin$)`)

// reference is a value that only says where the secret is, and may be shown.
var reference = regexp.MustCompile(`^\$\{(env|file):[^{}]*\}$`)

// inline knows a password inside a value: of a URL, or a DSN's password=.
var inline = regexp.MustCompile(`(?i)\b(password|passwd|pwd|secret|token)\s*=\s*('[^']*'|"[^"]*"|[^\s;,&]+)`)

// redacted is the second line of defence behind the runtime, which hands over no secret: a configuration
// without the values of keys that are secrets by their name, or passwords inside others.
func redacted(config map[string]string) map[string]string {
	shown := make(map[string]string, len(config))
	for key, value := range config {
		shown[key] = redactValue(key, value)
	}
	return shown
}

func redactValue(key, value string) string {
	switch {
	case value == "" || reference.MatchString(value):
		return value
	case secretKey.MatchString(key):
		return mask
	}
	parts := strings.Split(value, ",") // lists of URLs
	for i, part := range parts {
		parts[i] = redactURL(part)
	}
	return inline.ReplaceAllString(strings.Join(parts, ","), "${1}="+mask)
}

// userinfo is the part of something like a URL up to the last @ before its path.
var userinfo = regexp.MustCompile(`^(\s*[a-zA-Z][a-zA-Z0-9+.-]*://[^:/?#]*):.*@`)

func redactURL(text string) string {
	if u, err := url.Parse(strings.TrimSpace(text)); err == nil && u.User == nil {
		return text
	}
	return userinfo.ReplaceAllString(text, "${1}:"+mask+"@")
}
