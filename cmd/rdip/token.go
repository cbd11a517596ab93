package main

import (
	"fmt"
	"os"
	"strings"

	"rdip/configs"
	"rdip/internal/fault"
	"rdip/internal/secret"
)

// leastToken is how many characters a token needs: 128 bits in hexadecimal.
const leastToken = 32

// token is what a request that changes something has to show; empty where the configuration names no file.
func (s *settings) token() (secret.Text, error) { return readToken(s.worker) }

func readToken(w configs.Worker) (secret.Text, error) {
	if w.RESTTokenFile == "" {
		return secret.Text{}, nil
	}
	f := &fault.Error{Kind: fault.Configuration, Op: "read", Object: "rest.token.file " + w.RESTTokenFile, Permanent: true,
		Hint: fmt.Sprintf("(umask 077; openssl rand -hex 32 > %s)", w.RESTTokenFile)}
	info, err := os.Stat(w.RESTTokenFile)
	if err != nil {
		f.Cause = err
		return secret.Text{}, f
	}
	if mode := info.Mode().Perm(); mode&0o007 != 0 {
		f.Cause, f.Hint = fmt.Errorf("its mode is %04o: everybody can read it or write to it", mode), "chmod o= "+w.RESTTokenFile
		return secret.Text{}, f
	}
	text, err := os.ReadFile(w.RESTTokenFile)
	if err != nil {
		f.Cause = err
		return secret.Text{}, f
	}
	token := strings.TrimSpace(string(text))
	if len(token) < leastToken {
		f.Cause = fmt.Errorf("it has %d characters, and at least %d are needed", len(token), leastToken)
		return secret.Text{}, f
	}
	return secret.New(token), nil
}
