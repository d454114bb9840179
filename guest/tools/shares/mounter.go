package shares

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"kame-tools/fuse"
)

// MountOption makes kame-tools serve the mount and nothing else. That is a process of its own: one that starts programs waits while
// the kernel looks for their directory, and must not have to answer the kernel for that.
const MountOption = "--mount-shares"

const (
	// VMware's tools mount shared folders there.
	place = "/mnt/hgfs"
	// Only root reaches the socket by which the mount asks the host.
	socket = "/run/kame-tools/shares"
	// A host has something to share when it connects. Nothing wakes who waits for that.
	mountLook = time.Second
	// Whoever is in the way of the mount, or ends it, may have reasons.
	longestMountLook = 30 * time.Second
)

// A guest that is asked early has the device then, too.
var loading sync.Once

// Prepare has the kernel offer what a mount needs. A clone in which that is still to be done would have to do it at its first hello.
func Prepare() { loading.Do(fuse.LoadDriver) }

// Place is where shared folders are mounted when there are some; empty if they are not.
func Place() string {
	Prepare()
	if otherServes() || !fuse.IsUsable(place) {
		return ""
	}
	return place
}

// mounter keeps the shared folders mounted once the host has had some.
type mounter struct {
	relay    *relay
	listener net.Listener
	over     chan struct{}
	ending   sync.Once
}

func newMounter(relay *relay) (*mounter, error) {
	if err := os.MkdirAll(filepath.Dir(socket), 0o700); err != nil {
		return nil, err
	}
	// That of a predecessor that was killed.
	_ = os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	go accept(listener, relay)
	return &mounter{relay: relay, listener: listener, over: make(chan struct{})}, nil
}

// keep mounts when a host is there, and again when the mount ends, until it is told to end.
func (m *mounter) keep() {
	wait := mountLook
	for m.pause(wait) {
		if !m.relay.port.HasHost() {
			continue
		}
		if Place() != "" {
			m.serve()
		}
		if wait *= 2; wait > longestMountLook {
			wait = longestMountLook
		}
	}
}

func (m *mounter) pause(wait time.Duration) bool {
	select {
	case <-m.over:
		return false
	case <-time.After(wait):
		return true
	}
}

// serve runs the process that serves the mount. It ends by itself when its input does, also if this process is killed.
func (m *mounter) serve() {
	command := exec.Command("/proc/self/exe", MountOption)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil || command.Start() != nil {
		return
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	select {
	case <-m.over:
	case <-ended:
	}
	_ = input.Close()
	<-ended
}

func (m *mounter) end() {
	m.ending.Do(func() {
		close(m.over)
		_ = m.listener.Close()
	})
}
