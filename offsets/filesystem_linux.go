package offsets

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// networkFilesystem names the file system behind f if locks or syncs cannot be trusted on it (O5), and is
// empty on a local one. FUSE is among them: what is behind it cannot be told.
func networkFilesystem(f *os.File) string {
	var s unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &s); err != nil {
		return fmt.Sprintf("an unknown file system (%v)", err)
	}
	return networkMagic(uint32(s.Type))
}

// networkMagic knows the f_type values of statfs(2).
func networkMagic(magic uint32) string {
	switch magic {
	case unix.NFS_SUPER_MAGIC:
		return "NFS"
	case unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC:
		return "SMB"
	case unix.FUSE_SUPER_MAGIC:
		return "FUSE"
	case unix.V9FS_MAGIC:
		return "9P"
	case unix.CEPH_SUPER_MAGIC:
		return "Ceph"
	case unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC:
		return "AFS"
	case unix.CODA_SUPER_MAGIC:
		return "Coda"
	case unix.NCP_SUPER_MAGIC:
		return "NCP"
	default:
		return ""
	}
}
