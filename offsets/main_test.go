package offsets

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// helperVariable makes the test binary a process to be killed, or one with a lock or a mount of its own.
const helperVariable = "OFFSETS_TEST_HELPER"

func TestMain(m *testing.M) {
	if helper, ok := helpers[os.Getenv(helperVariable)]; ok {
		if err := helper(os.Args[len(os.Args)-1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

var helpers = map[string]func(dir string) error{
	"hold":       helpHold,
	"put":        helpPut,
	"initialise": helpInitialise,
	"disk full":  helpDiskFull,
}

// helpHold keeps the file open until the process is killed.
func helpHold(dir string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	fmt.Println("holding")
	time.Sleep(time.Minute)
	return s.Close()
}

// helpPut stores one place after another, and prints each that Put has returned for.
func helpPut(dir string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	r, _, err := s.Get("shop")
	if err != nil {
		return err
	}
	for {
		r = recordAt(r.Place + 1)
		if err := s.Put("shop", r); err != nil {
			return err
		}
		fmt.Println(r.Place)
	}
}

// recordAt is a record in which everything depends on its place.
func recordAt(place uint64) Record {
	return Record{
		Identity: `{"system":"7301"}`, Cluster: "c", Place: place,
		Position: fmt.Sprintf(`{"lsn":"%X/%X"}`, place>>32, uint32(place)),
		Topics:   map[string]string{"shop.public.orders": strconv.FormatUint(place, 10)},
	}
}

// helpInitialise opens one new folder after another.
func helpInitialise(dir string) error {
	for i := range 10000 {
		s, err := Open(filepath.Join(dir, strconv.Itoa(i)))
		if err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
		fmt.Println(i)
	}
	return nil
}
