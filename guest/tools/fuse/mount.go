package fuse

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

const (
	device = "/dev/fuse"
	kind   = "fuse.kame"
	// The kernel's name for leaving the users of a mount alone until they are done.
	detach = 2
)

// ErrInUse says that something else is where the mount should be.
var ErrInUse = errors.New("the place of the mount is in use")

// mounted returns the numbers of the mounts at a place, the last of which is seen, and whether that is one of ours.
func mounted(place string) (ids []string, ours bool, err error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, false, err
	}
	for _, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		if len(words) < 10 || words[4] != place {
			continue
		}
		ids = append(ids, words[0])
		_, after, _ := strings.Cut(line, " - ")
		ours = strings.HasPrefix(after, kind+" ")
	}
	return ids, ours, nil
}

// IsUsable tells whether the file system is mounted at a place, or could be: the kernel has FUSE, and nothing else is there.
func IsUsable(place string) bool {
	if _, err := os.Stat(device); err != nil {
		return false
	}
	ids, ours, err := mounted(place)
	return err == nil && (ours || (len(ids) == 0 && isFree(place)))
}

// isFree tells whether nothing is at a place, or an empty directory.
func isFree(place string) bool {
	found, err := os.Lstat(place)
	if errors.Is(err, os.ErrNotExist) {
		return true
	}
	if err != nil || !found.IsDir() {
		return false
	}
	entries, err := os.ReadDir(place)
	return err == nil && len(entries) == 0
}

// LoadDriver has the kernel offer FUSE. If it cannot, the device is missing.
func LoadDriver() {
	if _, err := os.Stat(device); err == nil {
		return
	}
	_ = exec.Command("/sbin/modprobe", "fuse").Run()
}

// Mount is a mounted file system.
type Mount struct {
	// Device is where its requests come from.
	Device *os.File
	place  string
	id     string
}

// MountAt mounts a file system at a place, instead of one that a killed predecessor has left there.
func MountAt(place string) (*Mount, error) {
	if err := clear(place); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(place, 0o755); err != nil {
		return nil, err
	}
	fd, err := syscall.Open(device, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: device, Err: err}
	}
	options := fmt.Sprintf("fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions", fd)
	if err := syscall.Mount("kame", place, kind, syscall.MS_NOSUID|syscall.MS_NODEV, options); err != nil {
		_ = syscall.Close(fd)
		return nil, os.NewSyscallError("mount", err)
	}
	// Only now can the runtime wait for the device: before the mount the kernel refuses that for good.
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	mount := &Mount{Device: os.NewFile(uintptr(fd), device), place: place}
	if ids, ours, err := mounted(place); err == nil && ours {
		mount.id = ids[len(ids)-1]
	}
	return mount, nil
}

func clear(place string) error {
	for {
		ids, ours, err := mounted(place)
		if err != nil {
			return err
		}
		if len(ids) == 0 && isFree(place) {
			return nil
		}
		if !ours {
			return ErrInUse
		}
		if err := syscall.Unmount(place, detach); err != nil {
			return os.NewSyscallError("umount", err)
		}
	}
}

// Detach takes the mount away, but not that of a successor. Programs that have files open can go on until the device is closed.
func (m *Mount) Detach() {
	if ids, ours, err := mounted(m.place); err == nil && ours && ids[len(ids)-1] == m.id {
		_ = syscall.Unmount(m.place, detach)
	}
}
