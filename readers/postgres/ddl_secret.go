package postgres

import "regexp"

// secretText finds what a text that may hold a secret has in it: the words for passwords and keys, statements
// whose options hold them, hashed passwords, and a URL with a password. The event trigger has the same
// expression and keeps such texts out of the log; here it stands against messages of anybody else.
var secretText = regexp.MustCompile(`(?i)pass(word|wd|phrase)|pwd|secret|token|credential|(api|access|private)_?key|user\s+mapping|subscription|conninfo|scram-sha|\bmd5[0-9a-f]{32}|://[^\s/:@']*:[^\s/@']+@`)

func mayHoldSecret(statement string) bool { return secretText.MatchString(statement) }
