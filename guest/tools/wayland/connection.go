// Package wayland speaks to a compositor for what the session helper does: the clipboard and the outputs.
package wayland

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	displayID   = 1
	firstServer = 0xff000000
	// More open files than a compositor sends at once.
	maxFiles = 32
	// A compositor that takes no requests for so long hangs.
	patience = 10 * time.Second
)

// object handles the events of one object.
type object func(opcode uint16, args *arguments)

type global struct{ name, version uint32 }

// Connection is one to a compositor. Events are handled, and requests are sent, under its lock.
type Connection struct {
	socket *net.UnixConn
	lock   sync.Mutex

	objects  map[uint32]object
	next     uint32
	free     []uint32
	registry uint32
	globals  map[string]global
	files    []int

	ended   chan struct{}
	failure error
}

// Connect connects to the compositor that the environment names.
func Connect() (*Connection, error) {
	name := os.Getenv("WAYLAND_DISPLAY")
	if name == "" {
		return nil, errors.New("no Wayland display is named")
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), name)
	}
	socket, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return nil, err
	}
	c := &Connection{
		socket: socket, objects: map[uint32]object{}, next: displayID + 1, globals: map[string]global{}, ended: make(chan struct{}),
	}
	c.objects[displayID] = c.onDisplay
	go c.read()
	c.lock.Lock()
	c.registry = c.add(c.onGlobal)
	c.send(displayID, 1, newMessage().number(c.registry))
	c.lock.Unlock()
	if err := c.Sync(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Ended is closed when the connection has ended.
func (c *Connection) Ended() <-chan struct{} { return c.ended }

// Close ends the connection.
func (c *Connection) Close() { _ = c.socket.Close() }

// Sync waits until the compositor has handled all requests, and its events up to then were handled.
func (c *Connection) Sync() error {
	done := make(chan struct{})
	c.lock.Lock()
	callback := c.add(func(uint16, *arguments) { close(done) })
	c.send(displayID, 0, newMessage().number(callback))
	c.lock.Unlock()
	select {
	case <-done:
		return nil
	case <-c.ended:
		return c.failure
	case <-time.After(patience):
		return fmt.Errorf("the compositor does not answer: %w", os.ErrDeadlineExceeded)
	}
}

// add makes a new object.
func (c *Connection) add(handler object) uint32 {
	var id uint32
	if last := len(c.free) - 1; last >= 0 {
		id, c.free = c.free[last], c.free[:last]
	} else {
		id = c.next
		c.next++
	}
	c.objects[id] = handler
	return id
}

// bind makes an object of a global, of that version or the compositor's; 0 if it has no such global.
func (c *Connection) bind(name string, version uint32, handler object) uint32 {
	found, there := c.globals[name]
	if !there {
		return 0
	}
	if version > found.version {
		version = found.version
	}
	id := c.add(handler)
	c.send(c.registry, 0, newMessage().number(found.name).text(name).number(version).number(id))
	return id
}

// send sends a request. What goes wrong ends the connection.
func (c *Connection) send(id uint32, opcode uint16, m *message) {
	size := headerBytes + len(m.body)
	if size > maxMessage {
		c.fail(errors.New("a request is too long"))
		return
	}
	data := make([]byte, headerBytes, size)
	binary.LittleEndian.PutUint32(data, id)
	binary.LittleEndian.PutUint32(data[4:], uint32(size)<<16|uint32(opcode))
	data = append(data, m.body...)
	var rights []byte
	if m.fd >= 0 {
		rights = syscall.UnixRights(m.fd)
	}
	_ = c.socket.SetWriteDeadline(time.Now().Add(patience))
	for len(data) > 0 {
		count, _, err := c.socket.WriteMsgUnix(data, rights, nil)
		if err != nil {
			c.fail(err)
			return
		}
		data, rights = data[count:], nil
	}
}

func (c *Connection) fail(err error) {
	if c.failure == nil {
		c.failure = err
	}
	_ = c.socket.Close()
}

func (c *Connection) read() {
	defer close(c.ended)
	buffer := make([]byte, 2*maxMessage)
	rights := make([]byte, syscall.CmsgSpace(4*maxFiles))
	filled := 0
	for {
		count, rightsCount, _, _, err := c.socket.ReadMsgUnix(buffer[filled:], rights)
		c.lock.Lock()
		if err == nil {
			c.keepFiles(rights[:rightsCount])
			filled += count
			filled, err = c.handle(buffer, filled)
			if err == nil && count == 0 {
				err = errors.New("the compositor has ended")
			}
		}
		if err != nil {
			c.fail(err)
			for _, fd := range c.files {
				_ = syscall.Close(fd)
			}
			c.lock.Unlock()
			return
		}
		c.lock.Unlock()
	}
}

func (c *Connection) keepFiles(rights []byte) {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil {
		return
	}
	for _, each := range messages {
		fds, err := syscall.ParseUnixRights(&each)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			if len(c.files) < maxFiles {
				c.files = append(c.files, fd)
			} else {
				_ = syscall.Close(fd)
			}
		}
	}
}

// handle handles the whole events at the start of a buffer, and returns how much is left after moving it to the start.
func (c *Connection) handle(buffer []byte, filled int) (int, error) {
	at := 0
	for filled-at >= headerBytes {
		head := binary.LittleEndian.Uint32(buffer[at+4:])
		size := int(head >> 16)
		if size < headerBytes {
			return 0, errMalformed
		}
		if filled-at < size {
			break
		}
		args := arguments{rest: buffer[at+headerBytes : at+size], takeFile: c.takeFile}
		// Events for an object that is gone may still be on their way.
		if handler := c.objects[binary.LittleEndian.Uint32(buffer[at:])]; handler != nil {
			handler(uint16(head), &args)
		}
		if c.failure != nil {
			return 0, c.failure
		}
		if args.malformed {
			return 0, errMalformed
		}
		at += size
	}
	copy(buffer, buffer[at:filled])
	return filled - at, nil
}

func (c *Connection) takeFile() int {
	if len(c.files) == 0 {
		return -1
	}
	fd := c.files[0]
	c.files = c.files[1:]
	return fd
}

func (c *Connection) onDisplay(opcode uint16, args *arguments) {
	switch opcode {
	case 0:
		object, code := args.number(), args.number()
		c.fail(fmt.Errorf("the compositor refused a request to object %d (%d): %s", object, code, args.text()))
	case 1:
		id := args.number()
		delete(c.objects, id)
		if id < firstServer && id > displayID && id < c.next {
			c.free = append(c.free, id)
		}
	}
}

func (c *Connection) onGlobal(opcode uint16, args *arguments) {
	const maxGlobals = 1000
	if opcode != 0 || len(c.globals) >= maxGlobals {
		return
	}
	name, kind := args.number(), args.text()
	version := args.number()
	if _, there := c.globals[kind]; !there {
		c.globals[kind] = global{name, version}
	}
}
