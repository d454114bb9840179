package shares

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

const (
	// More connections than any program makes.
	maxConnections = 32
	// A program in the guest that does not read holds up all others for so long.
	readPatience = 30 * time.Second
	// A host that shares nothing does not connect, so programs are told soon; but one that is there again needs a while.
	hostPatience = 3 * time.Second
	hostLook     = 50 * time.Millisecond
)

// errAbsent says that no host is connected to the port.
var errAbsent = errors.New("the host is not connected")

// Port is the port to the host.
type Port interface {
	// Read returns 0 and no error when the host has disconnected, and then waits for a host.
	io.Reader
	// HasHost tells whether a host is connected.
	HasHost() bool
	// Send writes a frame whole, or fails: when the host does not take it in a while, too.
	Send(frame []byte) error
}

// relay carries connections over a port.
type relay struct {
	port Port
	// How long a program waits for a host.
	patience time.Duration
	lock     sync.Mutex
	open     map[int64]net.Conn
	lastID   int64
	// Frames of several connections must not mix.
	sending sync.Mutex
}

func newRelay(port Port) *relay {
	return &relay{port: port, patience: hostPatience, open: map[int64]net.Conn{}}
}

// fromHost passes on what the host sends, until the port fails. When the host disconnects, all connections end.
func (r *relay) fromHost() error {
	defer r.endAll()
	buffer := make([]byte, headerBytes+maxReceived)
	for {
		id, content, err := readFrame(hostReader{r.port}, buffer)
		if errors.Is(err, errAbsent) {
			r.endAll()
			continue
		}
		if err != nil {
			return err
		}
		r.deliver(id, content)
	}
}

func (r *relay) deliver(id int64, content []byte) {
	r.lock.Lock()
	connection := r.open[id]
	r.lock.Unlock()
	if connection == nil {
		return
	}
	if len(content) == 0 {
		r.remove(id)
		return
	}
	_ = connection.SetWriteDeadline(time.Now().Add(readPatience))
	if _, err := connection.Write(content); err != nil {
		// What reads this connection tells the host.
		_ = connection.Close()
	}
}

// fromGuest carries a connection of the guest until it ends.
func (r *relay) fromGuest(connection net.Conn) {
	defer connection.Close()
	id, fits := r.add(connection)
	if !fits {
		return
	}
	if !r.awaitHost() {
		r.remove(id)
		return
	}
	frame := make([]byte, headerBytes+maxSent)
	for {
		count, err := connection.Read(frame[headerBytes:])
		if count > 0 {
			putHeader(frame, id, count)
			if r.send(frame[:headerBytes+count]) != nil {
				r.remove(id)
				return
			}
		}
		if err != nil {
			break
		}
	}
	// The host has ended a connection that is not there any more.
	if r.remove(id) {
		putHeader(frame, id, 0)
		_ = r.send(frame[:headerBytes])
	}
}

// awaitHost waits until a host is connected, and tells whether one is.
func (r *relay) awaitHost() bool {
	for deadline := time.Now().Add(r.patience); !r.port.HasHost(); time.Sleep(hostLook) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func (r *relay) send(frame []byte) error {
	r.sending.Lock()
	defer r.sending.Unlock()
	return r.port.Send(frame)
}

func (r *relay) add(connection net.Conn) (int64, bool) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if len(r.open) >= maxConnections {
		return 0, false
	}
	r.lastID++
	r.open[r.lastID] = connection
	return r.lastID, true
}

// remove ends a connection, and tells whether it was there.
func (r *relay) remove(id int64) bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	connection, there := r.open[id]
	if there {
		_ = connection.Close()
		delete(r.open, id)
	}
	return there
}

func (r *relay) endAll() {
	r.lock.Lock()
	defer r.lock.Unlock()
	for id, connection := range r.open {
		_ = connection.Close()
		delete(r.open, id)
	}
}

// hostReader makes an error of the end of a host, so that half a frame of it is not continued by the next one.
type hostReader struct{ port Port }

func (h hostReader) Read(into []byte) (int, error) {
	count, err := h.port.Read(into)
	if count == 0 && err == nil {
		return 0, errAbsent
	}
	return count, err
}
