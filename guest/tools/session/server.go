// Package session serves the requests of a host over one port.
package session

import (
	"encoding/json"
	"errors"
	"io"
	"sync"

	"kame-tools/wire"
)

// Port is the connection to the host; see the package port.
type Port interface {
	io.ReadWriter
	Interrupt()
	Continue()
}

// Info is what the guest says about itself at the start of a connection.
type Info struct {
	Version  int      `json:"version"`
	Program  string   `json:"program"`
	Hostname string   `json:"hostname"`
	BootID   string   `json:"bootId"`
	Services []string `json:"services"`
	// Where shared folders are mounted when there are some; empty if they are not.
	SharesAt string `json:"sharesAt,omitempty"`
	// Of the helper in a session: the protocols by which it reaches the desktop; empty for what it cannot do.
	Clipboard string `json:"clipboard,omitempty"`
	Outputs   string `json:"outputs,omitempty"`
}

// opener begins what a request, whose text is given, asks for.
type opener func(c *connection, id uint32, text []byte) error

// Services are what a host can ask for, by name; `info` is always there.
type Services map[string]opener

// System are the services for all of the guest.
var System = Services{"exec": (*connection).run, "operate": (*connection).operate}

// Serve serves one host after the other until the port fails.
func Serve(port Port, info func() Info, services Services) error {
	reader := wire.NewReader(port)
	var present *connection
	end := func() {
		if present != nil {
			present.end()
			present = nil
		}
	}
	defer end()
	for {
		event, err := reader.Next()
		if err != nil {
			return err
		}
		switch event.Kind {
		case wire.Opened:
			end()
			present = newConnection(port, event.Nonce, info, services)
			err = present.greet()
		case wire.Lost:
			end()
		case wire.Message:
			if present != nil {
				err = present.handle(event.Frame)
			}
		}
		if err != nil {
			// Nothing more is taken from this host until it connects again.
			end()
		}
	}
}

// connection is a host from its preamble to its end.
type connection struct {
	port     Port
	nonce    wire.Nonce
	info     func() Info
	services Services

	// Held while a frame is written.
	writing sync.Mutex
	buffer  []byte

	// Guards what follows.
	state   sync.Mutex
	ended   bool
	streams map[uint32]*stream
	// The stream whose request is not complete, and what has come of it.
	asking  uint32
	request []byte
}

// The most streams that are open at the same time.
const maxStreams = 64

var errEnded = errors.New("the connection has ended")
var errProtocol = errors.New("the host does not keep to the protocol")

func newConnection(port Port, nonce wire.Nonce, info func() Info, services Services) *connection {
	return &connection{port: port, nonce: nonce, info: info, services: services, streams: map[uint32]*stream{}}
}

func (c *connection) greet() error {
	text, err := json.Marshal(c.info())
	if err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	c.buffer = wire.AppendPreamble(c.buffer[:0], c.nonce)
	if c.buffer, err = wire.AppendFrame(c.buffer, c.nonce, wire.Hello, 0, text); err != nil {
		return err
	}
	_, err = c.port.Write(c.buffer)
	return err
}

// send writes a frame, which waits for as long as the host does not read.
func (c *connection) send(kind wire.Type, stream uint32, parts ...[]byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.hasEnded() {
		return errEnded
	}
	var err error
	if c.buffer, err = wire.AppendFrame(c.buffer[:0], c.nonce, kind, stream, parts...); err != nil {
		return err
	}
	_, err = c.port.Write(c.buffer)
	return err
}

func (c *connection) hasEnded() bool {
	c.state.Lock()
	defer c.state.Unlock()
	return c.ended
}

// end ends all streams and what they run. A frame that is being written is given up: its rest is nothing to the next host.
func (c *connection) end() {
	c.state.Lock()
	c.ended = true
	streams := c.streams
	c.streams = nil
	c.state.Unlock()
	c.port.Interrupt()
	c.writing.Lock()
	c.port.Continue()
	c.writing.Unlock()
	for _, each := range streams {
		each.close()
	}
}

func (c *connection) stream(id uint32) *stream {
	c.state.Lock()
	defer c.state.Unlock()
	return c.streams[id]
}

func (c *connection) remove(id uint32) {
	c.state.Lock()
	defer c.state.Unlock()
	delete(c.streams, id)
}

// handle does what a frame asks for. Frames for streams that have ended are late, and ignored.
func (c *connection) handle(frame wire.Frame) error {
	switch frame.Type {
	case wire.Hello:
		return nil
	case wire.RequestPart, wire.Request:
		return c.take(frame)
	}
	open := c.stream(frame.Stream)
	if open == nil {
		return nil
	}
	return open.handle(frame)
}

// take collects the parts of a request, one request at a time.
func (c *connection) take(frame wire.Frame) error {
	if len(c.request) > 0 && frame.Stream != c.asking {
		return errProtocol
	}
	if len(c.request)+len(frame.Payload) > wire.MaxRequest || c.stream(frame.Stream) != nil {
		return errProtocol
	}
	c.asking = frame.Stream
	c.request = append(c.request, frame.Payload...)
	if frame.Type == wire.RequestPart {
		return nil
	}
	text := c.request
	c.request = nil
	return c.open(frame.Stream, text)
}
