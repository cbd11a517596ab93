package process

import "syscall"

func attributes(c Command) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if c.Death != 0 {
		a.Pdeathsig = c.Death
	}
	if c.Owner != nil {
		a.Credential = &syscall.Credential{Uid: c.Owner.UID, Gid: c.Owner.GID}
	}
	return a
}
