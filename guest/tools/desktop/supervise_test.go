package desktop

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// runs supervises shell commands, one after the other, and returns how many were started.
func runs(t *testing.T, lines ...string) (int, error) {
	t.Helper()
	started := 0
	err := supervise(func() *exec.Cmd {
		started++
		return exec.Command("/bin/sh", "-c", lines[started-1])
	}, time.Millisecond)
	return started, err
}

func TestACrashedHelperIsStartedAgain(t *testing.T) {
	if started, err := runs(t, "kill -SEGV $$", "kill -KILL $$", "exit 2", "exit 3", "exit 0"); started != 5 || err != nil {
		t.Fatal(started, err)
	}
}

func TestAHelperThatEndsIsNotStartedAgain(t *testing.T) {
	for _, line := range []string{"exit 1", "kill -TERM $$"} {
		if started, err := runs(t, line); started != 1 || err == nil {
			t.Fatal(line, started, err)
		}
	}
	missing := filepath.Join(t.TempDir(), "missing")
	if err := supervise(func() *exec.Cmd { return exec.Command(missing) }, time.Millisecond); !os.IsNotExist(err) {
		t.Fatal(err)
	}
}
