package process

import (
	"bytes"
	"fmt"
	"os"
)

// tailBytes is how much of a log's end Tail reads at most.
const tailBytes = 64 << 10

// Tail is the last lines of a log file, or a sentence that says why there are none.
func Tail(path string, lines int) string {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Sprintf("(no log: %v)", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Sprintf("(no log: %v)", err)
	}
	from := max(0, info.Size()-tailBytes)
	buf := make([]byte, info.Size()-from)
	n, _ := f.ReadAt(buf, from)
	all := bytes.Split(bytes.TrimRight(buf[:n], "\n"), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}
