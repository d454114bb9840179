// Package x11 speaks to an X server for the clipboard of the session helper.
package x11

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// https://www.x.org/releases/current/doc/xproto/x11protocol.html. Numbers have the order of bytes that the client asks for: little-endian.

const (
	// A server that does not answer for so long hangs.
	patience   = 10 * time.Second
	eventBytes = 32
	// More than a property that is read in one piece, and all that a server has to say at the start.
	maxReply = 1 << 20
	// Events that wait to be handled.
	maxEvents = 10_000
)

var order = binary.LittleEndian

type atom uint32
type window uint32

// event is one of the server; the bytes are those of the protocol.
type event [eventBytes]byte

func (e *event) kind() byte           { return e[0] &^ 0x80 }
func (e *event) number(at int) uint32 { return order.Uint32(e[at:]) }

type waiting struct {
	sequence uint16
	reply    chan []byte
}

// connection is one to a server.
type connection struct {
	socket net.Conn
	events chan event
	ended  chan struct{}

	// Guards what follows, and is held while a request is sent.
	lock     sync.Mutex
	sequence uint16
	pending  []waiting

	base, lastID uint32
	root         window
	names        map[atom]string
	atoms        map[string]atom
}

var localDisplay = regexp.MustCompile(`^(?:unix)?:(\d{1,5})(?:\.\d+)?$`)

// connect connects to the server that the environment names, if it is on this computer.
func connect() (*connection, error) {
	name := os.Getenv("DISPLAY")
	parts := localDisplay.FindStringSubmatch(name)
	if parts == nil {
		return nil, fmt.Errorf("the X display %q is not one of this computer", name)
	}
	number, _ := strconv.Atoi(parts[1])
	path := "/tmp/.X11-unix/X" + parts[1]
	socket, err := net.Dial("unix", path)
	if err != nil {
		if socket, err = net.Dial("unix", "@"+path); err != nil {
			return nil, err
		}
	}
	return begin(socket, cookieFor(number))
}

// begin greets the server.
func begin(socket net.Conn, cookie []byte) (*connection, error) {
	c := &connection{
		socket: socket, events: make(chan event, maxEvents), ended: make(chan struct{}), names: map[atom]string{}, atoms: map[string]atom{},
	}
	reader := bufio.NewReaderSize(socket, 64*1024)
	_ = socket.SetDeadline(time.Now().Add(patience))
	err := c.greet(reader, cookie)
	_ = socket.SetDeadline(time.Time{})
	if err != nil {
		_ = socket.Close()
		return nil, err
	}
	go c.read(reader)
	return c, nil
}

func (c *connection) greet(reader io.Reader, cookie []byte) error {
	name := ""
	if len(cookie) > 0 {
		name = cookieName
	}
	hello := []byte{'l', 0, 11, 0, 0, 0}
	hello = appendNumber16(hello, len(name), len(cookie), 0)
	hello = pad(append(hello, name...))
	hello = pad(append(hello, cookie...))
	if _, err := c.socket.Write(hello); err != nil {
		return err
	}
	var head [8]byte
	if _, err := io.ReadFull(reader, head[:]); err != nil {
		return err
	}
	setup := make([]byte, 4*int(order.Uint16(head[6:])))
	if _, err := io.ReadFull(reader, setup); err != nil {
		return err
	}
	if head[0] != 1 {
		return errors.New("the X server refuses this user")
	}
	return c.takeSetup(setup)
}

func (c *connection) takeSetup(setup []byte) error {
	const fixed, formatBytes = 32, 8
	if len(setup) < fixed {
		return errMalformed
	}
	c.base = order.Uint32(setup[4:])
	vendor := (int(order.Uint16(setup[16:])) + 3) &^ 3
	screens := fixed + vendor + formatBytes*int(setup[21])
	if setup[20] == 0 || len(setup) < screens+4 {
		return errMalformed
	}
	c.root = window(order.Uint32(setup[screens:]))
	return nil
}

var errMalformed = errors.New("the X server sent what is malformed")
var errEnded = errors.New("the X server has ended")

func appendNumber16(to []byte, values ...int) []byte {
	for _, each := range values {
		to = append(to, byte(each), byte(each>>8))
	}
	return to
}

func pad(data []byte) []byte {
	for len(data)%4 != 0 {
		data = append(data, 0)
	}
	return data
}

// newID is a number for an object of this client.
func (c *connection) newID() uint32 {
	c.lastID++
	return c.base | c.lastID
}

func (c *connection) close() { _ = c.socket.Close() }

// send sends a request that is not answered. The words follow the head; data follows them, and is padded.
func (c *connection) send(opcode byte, detail byte, words []uint32, data []byte) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.write(opcode, detail, words, data)
}

func (c *connection) write(opcode byte, detail byte, words []uint32, data []byte) {
	request := make([]byte, 4, 4+4*len(words)+len(data)+3)
	request[0], request[1] = opcode, detail
	for _, each := range words {
		var bytes [4]byte
		order.PutUint32(bytes[:], each)
		request = append(request, bytes[:]...)
	}
	request = pad(append(request, data...))
	order.PutUint16(request[2:], uint16(len(request)/4))
	c.sequence++
	_ = c.socket.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.socket.Write(request); err != nil {
		_ = c.socket.Close()
	}
}

// ask sends a request and waits for its answer: all of it, from its first byte on.
func (c *connection) ask(opcode byte, detail byte, words []uint32, data []byte) ([]byte, error) {
	answer := make(chan []byte, 1)
	c.lock.Lock()
	c.write(opcode, detail, words, data)
	c.pending = append(c.pending, waiting{c.sequence, answer})
	c.lock.Unlock()
	select {
	case reply := <-answer:
		if reply == nil {
			return nil, fmt.Errorf("the X server refused request %d", opcode)
		}
		return reply, nil
	case <-c.ended:
		return nil, errEnded
	case <-time.After(patience):
		c.close()
		return nil, fmt.Errorf("the X server does not answer: %w", os.ErrDeadlineExceeded)
	}
}

func (c *connection) read(reader io.Reader) {
	defer close(c.ended)
	defer c.close()
	for {
		var head event
		if _, err := io.ReadFull(reader, head[:]); err != nil {
			return
		}
		const failed, reply, generic = 0, 1, 35
		var more []byte
		if kind := head.kind(); kind == reply || kind == generic {
			size := 4 * uint64(head.number(4))
			if size > maxReply {
				return
			}
			more = make([]byte, size)
			if _, err := io.ReadFull(reader, more); err != nil {
				return
			}
		}
		switch head.kind() {
		case failed:
			c.answer(order.Uint16(head[2:]), nil)
		case reply:
			c.answer(order.Uint16(head[2:]), append(append([]byte{}, head[:]...), more...))
		case generic:
		default:
			select {
			case c.events <- head:
			default:
				return
			}
		}
	}
}

// answer gives an answer, or nil for a refusal, to whoever waits for it. Requests that nobody waits for can be refused too.
func (c *connection) answer(sequence uint16, reply []byte) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if len(c.pending) > 0 && c.pending[0].sequence == sequence {
		c.pending[0].reply <- reply
		c.pending = c.pending[1:]
	}
}
