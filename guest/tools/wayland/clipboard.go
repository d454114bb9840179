package wayland

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"kame-tools/clipboard"
)

// The protocols for programs that manage the clipboard have the same requests and events, under two names.
// https://wayland.app/protocols/ext-data-control-v1 and https://wayland.app/protocols/wlr-data-control-unstable-v1
var dataControls = []string{"ext_data_control_manager_v1", "zwlr_data_control_manager_v1"}

const (
	// More types than programs offer. A compositor passes on what they say.
	maxTypes = 64
	// A program that pastes and does not read has so long.
	pastePatience = 60 * time.Second
	// Programs that paste at the same time.
	maxPastes = 32
)

// offer is what another program has on the clipboard.
type offer struct {
	id    uint32
	types []string
}

// Clipboard is that of a seat.
type Clipboard struct {
	connection *Connection
	protocol   string
	manager    uint32
	device     uint32
	// Offers that the compositor has announced, by id.
	offers  map[uint32]*offer
	current *offer
	// Of what is on the clipboard from here: the id of its source, a type that marks it, and the content by type.
	source  uint32
	mark    string
	content map[string][]byte
	pastes  int
	changed func()
}

// NewClipboard begins to watch the clipboard, and fails if the compositor has no protocol for that. It calls changed at each change.
func NewClipboard(connection *Connection, changed func()) (*Clipboard, error) {
	c := &Clipboard{connection: connection, offers: map[uint32]*offer{}, changed: changed}
	connection.lock.Lock()
	seat := connection.bind("wl_seat", 1, func(uint16, *arguments) {})
	for _, name := range dataControls {
		if seat == 0 || c.manager != 0 {
			break
		}
		c.protocol = name
		c.manager = connection.bind(name, 1, func(uint16, *arguments) {})
	}
	if c.manager != 0 {
		c.device = connection.add(c.onDevice)
		connection.send(c.manager, 1, newMessage().number(c.device).number(seat))
	}
	connection.lock.Unlock()
	if c.manager == 0 {
		return nil, errors.New("the compositor has no data-control protocol")
	}
	return c, connection.Sync()
}

// Protocol is the name of the protocol by which the clipboard is reached.
func (c *Clipboard) Protocol() string { return c.protocol }

// Types are those of what is on the clipboard, and whether it was put there by Offer.
func (c *Clipboard) Types() (types []string, ours bool) {
	c.connection.lock.Lock()
	defer c.connection.lock.Unlock()
	if c.source != 0 {
		return nil, true
	}
	if c.current == nil {
		return nil, false
	}
	return c.current.types, false
}

// Offer puts content on the clipboard, until another program does.
func (c *Clipboard) Offer(contents []clipboard.Content) error {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	connection := c.connection
	connection.lock.Lock()
	before := c.source
	c.mark = "application/x-kame-" + hex.EncodeToString(random[:])
	c.content = map[string][]byte{c.mark: nil}
	c.source = connection.add(nil)
	id := c.source
	connection.objects[id] = func(opcode uint16, args *arguments) { c.onSource(id, opcode, args) }
	connection.send(c.manager, 0, newMessage().number(id))
	for _, each := range contents {
		for _, name := range each.Types {
			c.content[name] = each.Data
			connection.send(id, 0, newMessage().text(name))
		}
	}
	connection.send(id, 0, newMessage().text(c.mark))
	connection.send(c.device, 0, newMessage().number(id))
	if before != 0 {
		c.destroy(before)
	}
	connection.lock.Unlock()
	c.changed()
	return connection.Sync()
}

// Receive asks for what is on the clipboard as one of its types.
func (c *Clipboard) Receive(name string) (io.ReadCloser, error) {
	c.connection.lock.Lock()
	defer c.connection.lock.Unlock()
	if c.current == nil {
		return nil, errors.New("nothing is on the clipboard")
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.connection.send(c.current.id, 0, newMessage().text(name).file(int(writer.Fd())))
	_ = writer.Close()
	return reader, nil
}

func (c *Clipboard) destroy(id uint32) {
	c.connection.send(id, 1, newMessage())
	// The compositor tells when the number may be used again. Until then a program may paste what was there before: its open file must
	// not be taken for that of the next one.
	c.connection.objects[id] = func(opcode uint16, args *arguments) {
		if opcode != 0 {
			return
		}
		args.text()
		if fd := args.file(); fd >= 0 {
			_ = syscall.Close(fd)
		}
	}
}

func (c *Clipboard) onDevice(opcode uint16, args *arguments) {
	const maxOffers = 64
	id := args.number()
	switch opcode {
	case 0:
		if id < firstServer || len(c.offers) >= maxOffers {
			c.connection.fail(errMalformed)
			return
		}
		made := &offer{id: id}
		c.offers[id] = made
		c.connection.objects[id] = func(opcode uint16, args *arguments) {
			if name := args.text(); opcode == 0 && len(made.types) < maxTypes {
				made.types = append(made.types, name)
			}
		}
	case 1:
		c.choose(c.offers[id])
	case 2:
		c.connection.fail(errors.New("the seat is gone"))
	case 3:
		// What the mouse selects is not the clipboard.
		c.drop(c.offers[id])
	}
}

// choose takes note of what is on the clipboard now; nil for nothing.
func (c *Clipboard) choose(selected *offer) {
	if selected != nil && c.source != 0 && contains(selected.types, c.mark) {
		c.drop(selected)
		return
	}
	c.drop(c.current)
	c.current = selected
	c.changed()
}

func (c *Clipboard) drop(dropped *offer) {
	if dropped == nil {
		return
	}
	delete(c.offers, dropped.id)
	if dropped == c.current {
		c.current = nil
	}
	c.connection.send(dropped.id, 1, newMessage())
	delete(c.connection.objects, dropped.id)
}

func (c *Clipboard) onSource(id uint32, opcode uint16, args *arguments) {
	switch opcode {
	case 0:
		name := args.text()
		fd := args.file()
		if fd >= 0 {
			c.paste(c.content[name], fd)
		}
	case 1:
		c.destroy(id)
		if id == c.source {
			c.source, c.content = 0, nil
			c.changed()
		}
	}
}

// paste gives content to a program that pastes.
func (c *Clipboard) paste(data []byte, fd int) {
	if c.pastes >= maxPastes || syscall.SetNonblock(fd, true) != nil {
		_ = syscall.Close(fd)
		return
	}
	c.pastes++
	file := os.NewFile(uintptr(fd), "paste")
	go func() {
		const piece = 256 * 1024
		for len(data) > 0 {
			count := len(data)
			if count > piece {
				count = piece
			}
			_ = file.SetWriteDeadline(time.Now().Add(pastePatience))
			if _, err := file.Write(data[:count]); err != nil {
				break
			}
			data = data[count:]
		}
		_ = file.Close()
		c.connection.lock.Lock()
		c.pastes--
		c.connection.lock.Unlock()
	}()
}

func contains(list []string, wanted string) bool {
	for _, each := range list {
		if each == wanted {
			return true
		}
	}
	return false
}
