package client

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// apicurioAPI is where Apicurio has Confluent's API, and beside it its own.
const apicurioAPI = "/apis/ccompat/"

// acceptCommand is the command by which subject takes any schema from then on. Confluent's registry is told so with its
// own API. To Apicurio that only means that the subject has no rule of its own, so that the rule for all subjects holds
// for it again, and refuses as before (CCompat's ConfigResource deletes the rule for NONE; seen with 3.0.9): there a rule
// NONE is given to it with Apicurio's API, in place of its own where it has one.
func (c *Client) acceptCommand(ctx context.Context, subject string) string {
	base := c.endpoints[c.good.Load()].base
	at := strings.LastIndex(base, apicurioAPI)
	if at < 0 {
		return fmt.Sprintf(`curl -X PUT -H 'Content-Type: %s' --data '{"compatibility":"NONE"}' '%s/config/%s'`, contentType, base, url.PathEscape(subject))
	}
	method, one := "POST", ""
	if c.hasOwnLevel(ctx, subject) {
		method, one = "PUT", "/COMPATIBILITY"
	}
	return fmt.Sprintf(`curl -X %s -H 'Content-Type: application/json' --data '{"ruleType":"COMPATIBILITY","config":"NONE"}' '%s/apis/registry/v3/groups/default/artifacts/%s/rules%s'`,
		method, base[:at], url.PathEscape(subject), one)
}

// hasOwnLevel says whether a subject of Apicurio's has a compatibility rule of its own, which is not NONE: without one
// it answers NONE.
func (c *Client) hasOwnLevel(ctx context.Context, subject string) bool {
	answer, err := get[struct {
		Level string `json:"compatibilityLevel"`
	}](ctx, c, call{op: "read compatibility level", subject: subject, path: "/config/" + url.PathEscape(subject)})
	return err == nil && answer.Level != "NONE"
}
