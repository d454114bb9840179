package identity

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	oldMAC = "00:0c:29:aa:bb:01"
	newMAC = "00:0c:29:cc:dd:02"
	newID  = "0123456789abcdef0123456789abcdef"
)

var oldID = strings.Repeat("f", 32)

// fakeKernel notes what it is asked for.
type fakeKernel struct {
	log []string
	// What a call with this beginning fails with.
	failing map[string]error
	// Called when a process is to end.
	ended func(pid int)
}

func (f *fakeKernel) note(words ...any) error {
	line := strings.TrimSuffix(fmt.Sprintln(words...), "\n")
	f.log = append(f.log, line)
	for beginning, err := range f.failing {
		if strings.HasPrefix(line, beginning) {
			return err
		}
	}
	return nil
}

func (f *fakeKernel) SetClock(ms int64) error           { return f.note("clock", ms) }
func (f *fakeKernel) Reseed() error                     { return f.note("reseed") }
func (f *fakeKernel) SetHostName(name string) error     { return f.note("hostname", name) }
func (f *fakeKernel) SetAddress(name, mac string) error { return f.note("address", name, mac) }
func (f *fakeKernel) DropIPv4(name string) error        { return f.note("drop", name) }
func (f *fakeKernel) AddIPv6(index int, address []byte, length int) error {
	return f.note("add", index, hex.EncodeToString(address), length)
}
func (f *fakeKernel) RemoveIPv6(index int, address []byte, length int) error {
	return f.note("remove", index, hex.EncodeToString(address), length)
}
func (f *fakeKernel) Signal(pid int, number syscall.Signal) error {
	if f.ended != nil {
		f.ended(pid)
	}
	return f.note("signal", pid, int(number))
}
func (f *fakeKernel) Run(words ...string) error { return f.note("run", strings.Join(words, " ")) }

// tree is a guest in a directory of its own.
type tree struct {
	*guest
	t      *testing.T
	kernel *fakeKernel
}

func newTree(t *testing.T) tree {
	t.Helper()
	kernel := &fakeKernel{failing: map[string]error{}}
	made := tree{&guest{root: t.TempDir(), kernel: kernel}, t, kernel}
	made.write("/proc/sys/kernel/hostname", "source\n")
	made.write("/dev/urandom", "")
	made.write("/etc/hostname", "source\n")
	made.write("/etc/machine-id", oldID+"\n")
	made.write("/sys/class/net/lo/address", "00:00:00:00:00:00\n")
	made.card("eth0", oldMAC)
	return made
}

func (made tree) write(path string, text string) {
	made.t.Helper()
	full := made.path(path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		made.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		made.t.Fatal(err)
	}
}

func (made tree) card(name string, mac string) {
	made.write("/sys/class/net/"+name+"/address", mac+"\n")
	made.write("/sys/class/net/"+name+"/ifindex", "2\n")
	made.write("/sys/class/net/"+name+"/device/vendor", "0x1af4\n")
}

func (made tree) link(path string, target string) {
	made.t.Helper()
	if err := os.MkdirAll(filepath.Dir(made.path(path)), 0o755); err != nil {
		made.t.Fatal(err)
	}
	if err := os.Symlink(target, made.path(path)); err != nil {
		made.t.Fatal(err)
	}
}

func (made tree) read(path string) string {
	made.t.Helper()
	text, err := os.ReadFile(made.path(path))
	if err != nil {
		made.t.Fatal(err)
	}
	return string(text)
}

func (made tree) holds(path string, want string) {
	made.t.Helper()
	if text := made.read(path); text != want {
		made.t.Fatalf("%s has %q, not %q", path, text, want)
	}
}

// says fails unless these lines were reported.
func (made tree) says(want ...string) {
	made.t.Helper()
	for _, line := range want {
		if !contains(made.lines, line) {
			made.t.Fatalf("%q is not among\n%s", line, strings.Join(made.lines, "\n"))
		}
	}
}

func (made tree) asked(want ...string) {
	made.t.Helper()
	for _, line := range want {
		if !contains(made.kernel.log, line) {
			made.t.Fatalf("%q is not among\n%s", line, strings.Join(made.kernel.log, "\n"))
		}
	}
}

func contains(lines []string, want string) bool {
	for _, line := range lines {
		if line == want {
			return true
		}
	}
	return false
}

// files lists a directory.
func (made tree) files(path string) string {
	made.t.Helper()
	entries, err := os.ReadDir(made.path(path))
	if err != nil {
		made.t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return strings.Join(names, " ")
}

var errDenied = errors.New("operation not permitted")

func clone() Names {
	now := int64(1_700_000_000_250)
	return Names{HostName: "clone", MachineID: newID, Cards: []Card{{oldMAC, newMAC}}, Seed: "AbC+/=", Now: &now}
}
