package client

import (
	"encoding/base64"

	"rdip/internal/secret"
)

// basic is the Authorization header of USER:PASS.
func basic(userInfo string) secret.Text {
	return secret.New("Basic " + base64.StdEncoding.EncodeToString([]byte(userInfo)))
}
