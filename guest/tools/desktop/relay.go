package desktop

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"kame-tools/linux"
	"kame-tools/port"
)

const (
	portName = "org.kame.desktop.0"
	// The helpers of all sessions connect here. Who may be heard is decided by their user.
	socket = "/run/kame-tools-session"
	// More sessions than a seat has. One user cannot take the place of all others.
	maxHelpers      = 64
	maxHelpersOfOne = 8
	// How often it is looked for whose session is active.
	activeLook = time.Second
	frameBytes = 32 * 1024
)

// helper is a program in a session that has connected.
type helper struct {
	connection *net.UnixConn
	uid        uint32
	// The id of its session, as its environment says; empty if that does not say.
	session string
}

// relay joins the helper of the active session with the port to the host, which is open only while there is one: so the host sees
// that there is.
type relay struct {
	// Opens the port to the host; see openPort.
	open func(stopped <-chan struct{}) (io.ReadWriteCloser, error)
	// Tells which session is active; see activeSession.
	active func() activeSession

	lock    sync.Mutex
	helpers []*helper
	served  *helper
	// Whether it is looked for changes of the active session.
	following bool
	// Ends the serving of one helper.
	stop func()
}

// Relay serves the helpers of sessions for as long as the program runs.
func Relay() error {
	// That of a predecessor that was killed.
	_ = os.Remove(socket)
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return err
	}
	if err := os.Chmod(socket, 0o666); err != nil {
		return err
	}
	r := &relay{open: openPort, active: readSeat}
	for {
		connection, err := listener.AcceptUnix()
		if err != nil {
			return err
		}
		r.add(connection)
	}
}

func (r *relay) add(connection *net.UnixConn) {
	who, err := peer(connection)
	r.lock.Lock()
	defer r.lock.Unlock()
	same := 0
	for _, each := range r.helpers {
		if each.uid == who.Uid {
			same++
		}
	}
	if err != nil || len(r.helpers) >= maxHelpers || same >= maxHelpersOfOne {
		_ = connection.Close()
		return
	}
	r.helpers = append(r.helpers, &helper{connection: connection, uid: who.Uid, session: sessionOf(who.Pid)})
	r.choose()
	if !r.following {
		r.following = true
		go r.follow()
	}
}

// follow chooses again when another session becomes active, for as long as there are helpers: a guest without a desktop is not woken.
func (r *relay) follow() {
	for {
		time.Sleep(activeLook)
		r.lock.Lock()
		r.sweep()
		r.choose()
		if len(r.helpers) == 0 {
			r.following = false
			r.lock.Unlock()
			return
		}
		r.lock.Unlock()
	}
}

// choose serves the helper of the active session. One that is served is kept for as long as no other one has a better claim: it would come
// again at once, so that two of the same session would take turns for ever.
func (r *relay) choose() {
	seat := r.active()
	best, chosen := 0, (*helper)(nil)
	for _, each := range r.helpers {
		claim := seat.claimOf(each)
		if claim > best || claim == best && claim > 0 && chosen != r.served {
			best, chosen = claim, each
		}
	}
	if chosen == r.served {
		return
	}
	if r.stop != nil {
		r.stop()
		r.stop = nil
	}
	r.served = chosen
	if chosen != nil {
		stopped := make(chan struct{})
		r.stop = func() { close(stopped) }
		go r.serve(chosen, stopped)
	}
}

// serve joins a helper and the port until one of them ends, the host disconnects, or it is stopped.
func (r *relay) serve(served *helper, stopped <-chan struct{}) {
	defer r.remove(served)
	opened, err := r.open(stopped)
	if err != nil {
		return
	}
	defer opened.Close()
	over := make(chan struct{}, 2)
	go func() {
		toHelper(opened, served.connection)
		over <- struct{}{}
	}()
	go func() {
		_, _ = io.CopyBuffer(plainWriter{opened}, plainReader{served.connection}, make([]byte, frameBytes))
		over <- struct{}{}
	}()
	select {
	case <-over:
	case <-stopped:
	}
}

// openPort waits for the port, which may have just been closed for another helper.
func openPort(stopped <-chan struct{}) (io.ReadWriteCloser, error) {
	for {
		if device, err := port.Find(portName); err == nil {
			if opened, err := port.Open(device); err == nil {
				return opened, nil
			}
		}
		select {
		case <-stopped:
			return nil, os.ErrClosed
		case <-time.After(activeLook):
		}
	}
}

// toHelper passes on what the host sends, until the host has been there and is gone.
func toHelper(from io.Reader, to net.Conn) {
	const patience = 30 * time.Second
	buffer := make([]byte, frameBytes)
	for heard := false; ; {
		count, err := from.Read(buffer)
		if err != nil || count == 0 && heard {
			return
		}
		if count == 0 {
			continue
		}
		heard = true
		_ = to.SetWriteDeadline(time.Now().Add(patience))
		if _, err := to.Write(buffer[:count]); err != nil {
			return
		}
	}
}

// remove ends a helper, which may connect again.
func (r *relay) remove(ended *helper) {
	_ = ended.connection.Close()
	r.lock.Lock()
	defer r.lock.Unlock()
	r.forget(ended)
	if r.served == ended {
		r.served, r.stop = nil, nil
	}
	r.choose()
}

func (r *relay) forget(gone *helper) {
	for at, each := range r.helpers {
		if each == gone {
			r.helpers = append(r.helpers[:at], r.helpers[at+1:]...)
			return
		}
	}
}

// sweep forgets helpers that have ended while another one was served.
func (r *relay) sweep() {
	for _, each := range append([]*helper(nil), r.helpers...) {
		if each != r.served && hungUp(each.connection) {
			_ = each.connection.Close()
			r.forget(each)
		}
	}
}

func hungUp(connection *net.UnixConn) bool {
	found := true
	raw, err := connection.SyscallConn()
	if err == nil {
		_ = raw.Control(func(fd uintptr) { found = linux.HungUp(fd) })
	}
	return found
}

// Without their other methods, which io.Copy would use.
type plainWriter struct{ io.Writer }
type plainReader struct{ io.Reader }

// peer is the user and the process at the other end.
func peer(connection *net.UnixConn) (syscall.Ucred, error) {
	raw, err := connection.SyscallConn()
	if err != nil {
		return syscall.Ucred{}, err
	}
	var credentials *syscall.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		credentials, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return syscall.Ucred{}, err
	}
	return *credentials, nil
}
