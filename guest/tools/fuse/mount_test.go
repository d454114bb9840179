package fuse

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// mountIn mounts in a directory of the test's own, if this user may do that here.
func mountIn(t *testing.T) (place string, mount *Mount) {
	t.Helper()
	place = filepath.Join(t.TempDir(), "hgfs")
	mount, err := MountAt(place)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENODEV) {
		t.Skip("needs root and a kernel with FUSE: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return place, mount
}

func TestALeftOverMountIsReplaced(t *testing.T) {
	place, killed := mountIn(t)
	// The kernel closes the device of a process that is killed, and leaves the mount.
	_ = killed.Device.Close()
	if _, err := os.ReadDir(place); !errors.Is(err, syscall.ENOTCONN) {
		t.Fatalf("a mount that nobody serves gives %v", err)
	}
	if !IsUsable(place) {
		t.Fatal("a mount of ours that nobody serves is in the way")
	}
	next, err := MountAt(place)
	if err != nil {
		t.Fatal(err)
	}
	if ids, ours, err := mounted(place); err != nil || !ours || len(ids) != 1 || ids[0] != next.id {
		t.Fatalf("mounted are %v, ours: %v, %v", ids, ours, err)
	}
	_ = next.Device.Close()
	next.Detach()
	if ids, _, _ := mounted(place); len(ids) != 0 {
		t.Fatalf("mounted are %v", ids)
	}
}

func TestWhatIsNotOursStays(t *testing.T) {
	place := t.TempDir()
	if err := os.WriteFile(filepath.Join(place, "a file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if IsUsable(place) {
		t.Fatal("a directory with a file is taken")
	}
	if _, err := MountAt(place); !errors.Is(err, ErrInUse) {
		t.Fatalf("mounted over a file: %v", err)
	}
}
