package x11

import (
	"io"
	"net"
	"os"
	"sync"
	"testing"
)

// server is a small X server for several clients: windows, properties, one selection, and the part of XFIXES that tells its owner.
type server struct {
	lock       sync.Mutex
	atoms      map[string]atom
	names      map[atom]string
	properties map[place]property
	clients    []*client
	owner      window
	ownerOf    *client
	clock      uint32
}

type client struct {
	server   *server
	socket   net.Conn
	base     uint32
	sequence uint16
	// Windows whose properties it hears of, and whether it hears of the selection.
	listening map[window]bool
	watches   window
	known     atom
}

const (
	testFixes      = 140
	testFixesEvent = 90
	testRoot       = 0x77
)

func newServer() *server {
	return &server{atoms: map[string]atom{}, names: map[atom]string{}, properties: map[place]property{}, clock: 1000}
}

// join connects a new client.
func (s *server) join(t *testing.T) *connection {
	t.Helper()
	ours, theirs, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	s.lock.Lock()
	made := &client{server: s, socket: theirs, base: uint32(len(s.clients)+1) << 20, listening: map[window]bool{}}
	s.clients = append(s.clients, made)
	s.lock.Unlock()
	go made.serve()
	connection, err := begin(ours, []byte("cookie"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connection.close)
	return connection
}

func (c *client) serve() {
	defer c.leave()
	hello := make([]byte, 12)
	if _, err := io.ReadFull(c.socket, hello); err != nil {
		return
	}
	rest := (int(order.Uint16(hello[6:]))+3)&^3 + (int(order.Uint16(hello[8:]))+3)&^3
	if _, err := io.ReadFull(c.socket, make([]byte, rest)); err != nil {
		return
	}
	setup := make([]byte, 8+32+8+40)
	setup[0] = 1
	order.PutUint16(setup[6:], uint16((len(setup)-8)/4))
	order.PutUint32(setup[12:], c.base)
	order.PutUint16(setup[24:], 7)
	setup[28] = 1
	order.PutUint32(setup[8+32+8:], testRoot)
	_, _ = c.socket.Write(setup)
	for {
		head := make([]byte, 4)
		if _, err := io.ReadFull(c.socket, head); err != nil {
			return
		}
		body := make([]byte, 4*int(order.Uint16(head[2:]))-4)
		if _, err := io.ReadFull(c.socket, body); err != nil {
			return
		}
		c.server.lock.Lock()
		c.sequence++
		c.handle(head[0], head[1], body)
		c.server.lock.Unlock()
	}
}

// leave ends a client; a selection that it had has no owner then.
func (c *client) leave() {
	s := c.server
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.ownerOf == c {
		s.own(nil, 0)
	}
}

func (c *client) reply(detail byte, words []uint32, data []byte) {
	made := make([]byte, eventBytes)
	made[0], made[1] = 1, detail
	order.PutUint16(made[2:], c.sequence)
	order.PutUint32(made[4:], uint32((len(data)+3)/4))
	for at, each := range words {
		order.PutUint32(made[8+4*at:], each)
	}
	_, _ = c.socket.Write(pad(append(made, data...)))
}

func (c *client) event(kind byte, words ...uint32) {
	made := make([]byte, eventBytes)
	made[0] = kind
	order.PutUint16(made[2:], c.sequence)
	for at, each := range words {
		order.PutUint32(made[4+4*at:], each)
	}
	_, _ = c.socket.Write(made)
}

func (c *client) handle(opcode byte, detail byte, body []byte) {
	s := c.server
	s.clock++
	word := func(at int) uint32 { return order.Uint32(body[4*at:]) }
	switch opcode {
	case createWindow:
		c.listening[window(word(0))] = true
	case changeWindowAttributes:
		c.listening[window(word(0))] = word(2) != 0
	case internAtom:
		c.reply(0, []uint32{uint32(s.intern(string(body[4 : 4+order.Uint16(body)])))}, nil)
	case getAtomName:
		name := s.names[atom(word(0))]
		c.reply(0, []uint32{uint32(len(name))}, []byte(name))
	case changeProperty:
		data := body[20 : 20+word(4)*word(3)/8]
		s.set(place{window(word(0)), atom(word(1))}, property{atom(word(2)), data, word(3)}, false)
	case deleteProperty:
		at := place{window(word(0)), atom(word(1))}
		if _, there := s.properties[at]; there {
			s.set(at, property{}, true)
		}
	case getProperty:
		c.read(place{window(word(0)), atom(word(1))}, 4*word(3), 4*word(4), detail == 1)
	case setSelectionOwner:
		s.own(c, window(word(0)))
	case getSelectionOwner:
		c.reply(0, []uint32{uint32(s.owner)}, nil)
	case convertSelection:
		if s.ownerOf == nil {
			c.event(selectionNotify, word(4), word(0), word(1), word(2), 0)
			return
		}
		s.ownerOf.event(selectionRequest, word(4), uint32(s.owner), word(0), word(1), word(2), word(3))
	case sendEvent:
		for _, each := range s.clients {
			if each.base == word(0)&^0xfffff {
				_, _ = each.socket.Write(append([]byte{body[8] | 0x80}, body[9:9+31]...))
			}
		}
	case queryExtension:
		c.reply(0, []uint32{1 | testFixes<<8 | testFixesEvent<<16}, nil)
	case testFixes:
		if detail == 0 {
			c.reply(0, []uint32{1, 0}, nil)
			return
		}
		c.watches, c.known = window(word(0)), atom(word(1))
	}
}

func (s *server) intern(name string) atom {
	if _, there := s.atoms[name]; !there {
		made := atom(100 + len(s.atoms))
		s.atoms[name], s.names[made] = made, name
	}
	return s.atoms[name]
}

// set changes or deletes a property. Its format is kept where a reply has the bytes that follow.
func (s *server) set(at place, value property, deleted bool) {
	state := uint32(0)
	if deleted {
		state = 1
		delete(s.properties, at)
	} else {
		s.properties[at] = value
	}
	for _, each := range s.clients {
		if each.listening[at.window] {
			each.event(propertyNotify, uint32(at.window), uint32(at.name), s.clock, state)
		}
	}
}

func (c *client) read(at place, offset uint32, most uint32, remove bool) {
	found, there := c.server.properties[at]
	if !there {
		c.reply(0, []uint32{0, 0, 0}, nil)
		return
	}
	data := found.data[offset:]
	if uint32(len(data)) > most {
		data = data[:most]
	}
	after := uint32(len(found.data)) - offset - uint32(len(data))
	c.reply(byte(found.after), []uint32{uint32(found.kind), after, uint32(len(data)) * 8 / found.after}, data)
	if remove && after == 0 {
		c.server.set(at, property{}, true)
	}
}

func (s *server) own(by *client, as window) {
	if s.ownerOf != nil && s.ownerOf != by {
		s.ownerOf.event(selectionClear, s.clock, uint32(s.owner), uint32(s.ownerOf.known))
	}
	s.owner, s.ownerOf = as, by
	for _, each := range s.clients {
		if each.watches != 0 {
			each.event(testFixesEvent, uint32(each.watches), uint32(as), uint32(each.known), s.clock)
		}
	}
}

// pair makes two ends of a connection.
func pair() (net.Conn, net.Conn, error) {
	path, err := os.MkdirTemp("", "x")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(path)
	listener, err := net.Listen("unix", path+"/s")
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	one, err := net.Dial("unix", path+"/s")
	if err != nil {
		return nil, nil, err
	}
	other, err := listener.Accept()
	return one, other, err
}
