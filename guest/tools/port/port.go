// Package port opens the virtio-serial port over which the host speaks to kame-tools.
package port

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"kame-tools/linux"
)

// Find returns the device of the port of that name. udev makes a link for it; a guest without udev has only the name in sysfs.
func Find(name string) (string, error) {
	names, err := filepath.Glob("/sys/class/virtio-ports/*/name")
	if err != nil {
		return "", err
	}
	for _, path := range names {
		text, err := os.ReadFile(path)
		if err == nil && strings.TrimSpace(string(text)) == name {
			return "/dev/" + filepath.Base(filepath.Dir(path)), nil
		}
	}
	return "", os.ErrNotExist
}

// Port is an open port. The host may disconnect and connect again at any time.
type Port struct {
	file *os.File
	raw  syscall.RawConn
	// Whether the last read told that there is no host.
	absent bool
}

// Open opens the device of a port.
func Open(device string) (*Port, error) {
	file, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &Port{file: file, raw: raw}, nil
}

// Read reads what has come. When the host has disconnected it returns 0 and no error once, and then waits for a host.
//
// The kernel reports a missing host by an empty read, and wakes whoever waits for the port when that changes. The runtime
// waits for edges, so waiting for a host costs nothing.
func (p *Port) Read(into []byte) (int, error) {
	count := 0
	var failed error
	err := p.raw.Read(func(fd uintptr) bool {
		count, failed = syscall.Read(int(fd), into)
		for failed == syscall.EINTR {
			count, failed = syscall.Read(int(fd), into)
		}
		if failed == syscall.EAGAIN {
			count, failed = 0, nil
			p.absent = false
			return false
		}
		return count != 0 || failed != nil || !p.absent
	})
	if err != nil {
		return 0, err
	}
	p.absent = count == 0 && failed == nil
	return count, failed
}

// HasHost tells whether a host is connected now. Read cannot tell: nothing wakes it when a host comes that says nothing.
func (p *Port) HasHost() bool {
	hasHost := false
	err := p.raw.Control(func(fd uintptr) { hasHost = !linux.HungUp(fd) })
	return err == nil && hasHost
}

// Write writes all of it, which waits for as long as the host does not read.
func (p *Port) Write(from []byte) (int, error) {
	return p.file.Write(from)
}

// WriteWithin writes all of it, and fails when the host does not take it in that time.
func (p *Port) WriteWithin(from []byte, limit time.Duration) error {
	if err := p.file.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	_, err := p.file.Write(from)
	return err
}

// Close closes the port.
func (p *Port) Close() error {
	return p.file.Close()
}

// Interrupt makes a Write that waits fail, and those that follow until Continue.
func (p *Port) Interrupt() {
	_ = p.file.SetWriteDeadline(time.Unix(1, 0))
}

// Continue ends what Interrupt began.
func (p *Port) Continue() {
	_ = p.file.SetWriteDeadline(time.Time{})
}
