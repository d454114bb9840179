package wayland

import (
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// compositor is a small one: it has a seat with a clipboard, and an output.
type compositor struct {
	t        *testing.T
	listener *net.UnixListener
	globals  []string

	lock    sync.Mutex
	client  *net.UnixConn
	kinds   map[uint32]string
	files   []int
	device  uint32
	manager uint32
	// Of what the client offers.
	source uint32
	types  map[uint32][]string
	// Whether it does not say that numbers may be used again.
	keepsIDs bool
	// Of what another program offers: the content by type.
	content map[string]string
	offered uint32
	nextID  uint32
	// Of the output.
	head, mode    uint32
	width, height uint32
	serial        uint32
	outcomes      []uint16
}

const testSerial = 7

// compose starts a compositor that has these globals, and is the one that the environment names.
func compose(t *testing.T, globals ...string) *compositor {
	t.Helper()
	directory := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", directory)
	t.Setenv("WAYLAND_DISPLAY", "wayland-7")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(directory, "wayland-7"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	made := &compositor{
		t: t, listener: listener, globals: globals, kinds: map[uint32]string{1: "display"}, types: map[uint32][]string{},
		nextID: firstServer, width: 1280, height: 800, serial: testSerial,
	}
	go made.serve()
	return made
}

func (c *compositor) serve() {
	client, err := c.listener.AcceptUnix()
	if err != nil {
		return
	}
	c.lock.Lock()
	c.client = client
	c.lock.Unlock()
	buffer, rights := make([]byte, 1<<17), make([]byte, 1024)
	filled := 0
	for {
		count, rightsCount, _, _, err := client.ReadMsgUnix(buffer[filled:], rights)
		if err != nil || count == 0 {
			return
		}
		c.lock.Lock()
		messages, _ := syscall.ParseSocketControlMessage(rights[:rightsCount])
		for _, each := range messages {
			fds, _ := syscall.ParseUnixRights(&each)
			c.files = append(c.files, fds...)
		}
		filled += count
		at := 0
		for filled-at >= headerBytes {
			head := binary.LittleEndian.Uint32(buffer[at+4:])
			size := int(head >> 16)
			if filled-at < size {
				break
			}
			args := &arguments{rest: buffer[at+headerBytes : at+size]}
			c.handle(binary.LittleEndian.Uint32(buffer[at:]), uint16(head), args)
			at += size
		}
		copy(buffer, buffer[at:filled])
		filled -= at
		c.lock.Unlock()
	}
}

func (c *compositor) event(id uint32, opcode uint16, m *message) {
	data := make([]byte, headerBytes)
	binary.LittleEndian.PutUint32(data, id)
	binary.LittleEndian.PutUint32(data[4:], uint32(headerBytes+len(m.body))<<16|uint32(opcode))
	c.raw(append(data, m.body...), m.fd)
}

func (c *compositor) raw(data []byte, fd int) {
	var rights []byte
	if fd >= 0 {
		rights = syscall.UnixRights(fd)
	}
	// The client may have ended.
	_, _, _ = c.client.WriteMsgUnix(data, rights, nil)
}

func (c *compositor) takeFile() int {
	fd := c.files[0]
	c.files = c.files[1:]
	return fd
}

func (c *compositor) handle(id uint32, opcode uint16, args *arguments) {
	type request struct {
		kind   string
		opcode uint16
	}
	switch (request{c.kinds[id], opcode}) {
	case request{"display", 0}:
		callback := args.number()
		c.event(callback, 0, newMessage().number(0))
		c.event(1, 1, newMessage().number(callback))
	case request{"display", 1}:
		registry := args.number()
		c.kinds[registry] = "registry"
		for name, kind := range c.globals {
			c.event(registry, 0, newMessage().number(uint32(name+1)).text(kind).number(9))
		}
	case request{"registry", 0}:
		args.number()
		kind := args.text()
		args.number()
		made := args.number()
		c.kinds[made] = kind
		if kind == outputManagement {
			c.manager = made
			c.showOutput()
		}
	case request{dataControls[0], 0}, request{dataControls[1], 0}:
		c.kinds[args.number()] = "source"
	case request{dataControls[0], 1}, request{dataControls[1], 1}:
		c.device = args.number()
		c.kinds[c.device] = "device"
	case request{"source", 0}:
		c.types[id] = append(c.types[id], args.text())
	case request{"source", 1}, request{"offer", 1}, request{"configuration", 4}:
		if id < firstServer && !c.keepsIDs {
			c.event(1, 1, newMessage().number(id))
		}
	case request{"device", 0}:
		c.choose(args.number())
	case request{"offer", 0}:
		c.give(args.text(), c.takeFile())
	case request{outputManagement, 0}:
		c.kinds[args.number()] = "configuration"
	case request{"configuration", 0}:
		c.kinds[args.number()] = "configuration head"
	case request{"configuration head", 1}:
		c.width, c.height = args.number(), args.number()
	case request{"configuration", 2}:
		c.apply(id)
	}
}

// choose makes what a client offers the clipboard, which the client hears of too.
func (c *compositor) choose(source uint32) {
	c.source = source
	c.announce(c.types[source])
}

func (c *compositor) announce(types []string) {
	c.offered = c.nextID
	c.nextID++
	c.kinds[c.offered] = "offer"
	c.event(c.device, 0, newMessage().number(c.offered))
	for _, each := range types {
		c.event(c.offered, 0, newMessage().text(each))
	}
	c.event(c.device, 1, newMessage().number(c.offered))
}

// copy is another program that copies.
func (c *compositor) copy(content map[string]string, types ...string) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.source != 0 {
		c.event(c.source, 1, newMessage())
		c.source = 0
	}
	c.content = content
	c.announce(types)
}

func (c *compositor) give(name string, fd int) {
	file := os.NewFile(uintptr(fd), "content")
	text := c.content[name]
	go func() {
		_, _ = file.WriteString(text)
		_ = file.Close()
	}()
}

// paste asks the client for what it offers.
func (c *compositor) paste(name string) *os.File {
	c.t.Helper()
	c.lock.Lock()
	source := c.source
	c.lock.Unlock()
	return c.pasteOf(source, name)
}

func (c *compositor) pasteOf(source uint32, name string) *os.File {
	c.t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		c.t.Fatal(err)
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	c.event(source, 0, newMessage().text(name).file(int(writer.Fd())))
	_ = writer.Close()
	return reader
}

func (c *compositor) showOutput() {
	c.head, c.mode = c.nextID, c.nextID+1
	c.nextID += 2
	c.event(c.manager, 0, newMessage().number(c.head))
	c.event(c.head, 0, newMessage().text("Virtual-1"))
	c.event(c.head, 3, newMessage().number(c.mode))
	c.event(c.mode, 0, newMessage().number(c.width).number(c.height))
	c.event(c.head, 4, newMessage().number(1))
	c.event(c.head, 5, newMessage().number(c.mode))
	c.event(c.manager, 1, newMessage().number(c.serial))
}

// will says how the next changes of the outputs end.
func (c *compositor) will(outcomes ...uint16) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.outcomes = outcomes
}

func (c *compositor) apply(configuration uint32) {
	outcome := uint16(0)
	if len(c.outcomes) > 0 {
		outcome, c.outcomes = c.outcomes[0], c.outcomes[1:]
	}
	c.event(configuration, outcome, newMessage())
	if outcome == 0 {
		old := c.mode
		c.mode = c.nextID
		c.nextID++
		c.event(c.head, 3, newMessage().number(c.mode))
		c.event(c.mode, 0, newMessage().number(c.width).number(c.height))
		c.event(c.head, 5, newMessage().number(c.mode))
		c.event(old, 3, newMessage())
	}
	c.event(c.manager, 1, newMessage().number(c.serial))
}
