package x11

import (
	"errors"
	"io"

	"kame-tools/clipboard"
)

func (c *Clipboard) askTypes() ([]string, error) {
	const maxTypes = 64
	c.receiving.Lock()
	defer c.receiving.Unlock()
	where := c.known["KAME_TARGETS"]
	if err := c.convert(c.known["TARGETS"], where); err != nil {
		return nil, err
	}
	found, err := c.connection.readProperty(c.window, where, 0, true)
	if err != nil {
		return nil, err
	}
	var names []string
	for at := 0; at+4 <= len(found.data) && len(names) < maxTypes; at += 4 {
		if name, err := c.connection.nameOf(atom(order.Uint32(found.data[at:]))); err == nil {
			names = append(names, name)
		}
	}
	return names, nil
}

// convert asks the owner of the clipboard for a target, and waits until it is in a property.
func (c *Clipboard) convert(target atom, where atom) error {
	drain(c.notified)
	c.connection.send(deleteProperty, 0, []uint32{uint32(c.window), uint32(where)}, nil)
	const now = 0
	c.connection.send(convertSelection, 0, []uint32{uint32(c.window), uint32(c.known["CLIPBOARD"]), uint32(target), uint32(where), now}, nil)
	for {
		came, err := c.await(c.notified)
		if err != nil {
			return err
		}
		if atom(came.number(16)) != target {
			// The late answer to an earlier question.
			continue
		}
		if atom(came.number(20)) == noAtom {
			return errors.New("the program that has the clipboard refuses")
		}
		return nil
	}
}

// Receive asks the program that has the clipboard for content.
func (c *Clipboard) Receive(name string) (io.ReadCloser, error) {
	reader, writer := io.Pipe()
	c.receiving.Lock()
	target, err := c.connection.atomOf(name)
	if err != nil {
		c.receiving.Unlock()
		return nil, err
	}
	go func() {
		defer c.receiving.Unlock()
		var into io.Writer = writer
		if name == clipboard.Latin1 {
			into = latin1{writer}
		}
		_ = writer.CloseWithError(c.receive(target, into))
	}()
	return reader, nil
}

// receive writes what the owner of the clipboard has, which may come in pieces.
func (c *Clipboard) receive(target atom, into io.Writer) error {
	where := c.known["KAME_CONTENT"]
	if err := c.convert(target, where); err != nil {
		return err
	}
	drain(c.newValue)
	kind, _, err := c.readWhole(where, into)
	if err != nil || kind != c.known["INCR"] {
		return err
	}
	for {
		if _, err := c.await(c.newValue); err != nil {
			return err
		}
		kind, count, err := c.readWhole(where, into)
		if err != nil {
			return err
		}
		// A property that was read with the one before it is not there any more.
		if kind != noAtom && count == 0 {
			return nil
		}
	}
}

// readWhole reads a property and deletes it, which tells the owner to send more. What announces pieces is not written.
func (c *Clipboard) readWhole(name atom, into io.Writer) (kind atom, count int, err error) {
	for offset := uint32(0); ; {
		part, err := c.connection.readProperty(c.window, name, offset, true)
		if err != nil || part.kind == c.known["INCR"] {
			return part.kind, count, err
		}
		count += len(part.data)
		if _, err := into.Write(part.data); err != nil {
			return part.kind, count, err
		}
		if part.after == 0 {
			return part.kind, count, nil
		}
		offset += uint32(len(part.data))
	}
}

// latin1 writes text of that encoding as UTF-8.
type latin1 struct{ to io.Writer }

func (l latin1) Write(from []byte) (int, error) {
	converted := make([]rune, len(from))
	for at, each := range from {
		converted[at] = rune(each)
	}
	if _, err := io.WriteString(l.to, string(converted)); err != nil {
		return 0, err
	}
	return len(from), nil
}
