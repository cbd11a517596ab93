//go:build unix && !linux

package process

import "syscall"

// attributes cannot tie the child to its parent here: only Linux has a parent-death signal.
func attributes(c Command) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if c.Owner != nil {
		a.Credential = &syscall.Credential{Uid: c.Owner.UID, Gid: c.Owner.GID}
	}
	return a
}
