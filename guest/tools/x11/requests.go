package x11

// The requests that the clipboard needs, with their numbers.

const (
	createWindow           = 1
	changeWindowAttributes = 2
	internAtom             = 16
	getAtomName            = 17
	changeProperty         = 18
	deleteProperty         = 19
	getProperty            = 20
	setSelectionOwner      = 22
	getSelectionOwner      = 23
	convertSelection       = 24
	sendEvent              = 25
	queryExtension         = 98
)

const (
	propertyNotify   = 28
	selectionClear   = 29
	selectionRequest = 30
	selectionNotify  = 31
)

const (
	noAtom          = atom(0)
	atomAtom        = atom(4)
	atomInteger     = atom(19)
	propertyChanges = 1 << 22
)

// makeWindow makes a window that is never shown, and is told when its properties change.
func (c *connection) makeWindow() window {
	id := c.newID()
	const inputOnly, eventMask = 2, 0x800
	// x and y, width and height, border and class; then the visual of the parent.
	c.send(createWindow, 0, []uint32{id, uint32(c.root), 0, 1 | 1<<16, inputOnly << 16, 0, eventMask, propertyChanges}, nil)
	return window(id)
}

// listen makes changes of the properties of another program's window known; and no longer with false.
func (c *connection) listen(to window, on bool) {
	const eventMask = 0x800
	mask := uint32(0)
	if on {
		mask = propertyChanges
	}
	c.send(changeWindowAttributes, 0, []uint32{uint32(to), eventMask, mask}, nil)
}

// atomOf is the number of a name, which the server keeps for ever.
func (c *connection) atomOf(name string) (atom, error) {
	if known, there := c.atoms[name]; there {
		return known, nil
	}
	reply, err := c.ask(internAtom, 0, []uint32{uint32(len(name))}, []byte(name))
	if err != nil {
		return noAtom, err
	}
	found := atom(order.Uint32(reply[8:]))
	c.remember(found, name)
	return found, nil
}

func (c *connection) nameOf(wanted atom) (string, error) {
	if known, there := c.names[wanted]; there {
		return known, nil
	}
	reply, err := c.ask(getAtomName, 0, []uint32{uint32(wanted)}, nil)
	if err != nil {
		return "", err
	}
	size := int(order.Uint16(reply[8:]))
	if len(reply) < eventBytes+size {
		return "", errMalformed
	}
	name := string(reply[eventBytes : eventBytes+size])
	c.remember(wanted, name)
	return name, nil
}

func (c *connection) remember(number atom, name string) {
	// A program that offers another type each time must not fill the memory.
	const most = 1000
	if len(c.names) < most {
		c.names[number] = name
		c.atoms[name] = number
	}
}

// setProperty replaces a property. The format is 8 or 32 bits.
func (c *connection) setProperty(of window, name atom, kind atom, format uint32, data []byte) {
	const replace = 0
	c.send(changeProperty, replace, []uint32{uint32(of), uint32(name), uint32(kind), format, uint32(len(data)) * 8 / format}, data)
}

// property is a part of one.
type property struct {
	kind  atom
	data  []byte
	after uint32
}

// readProperty reads a part of a property; with the last part, remove deletes it.
func (c *connection) readProperty(of window, name atom, offset uint32, remove bool) (property, error) {
	const anyType, mostWords = 0, 64 * 1024
	detail := byte(0)
	if remove {
		detail = 1
	}
	reply, err := c.ask(getProperty, detail, []uint32{uint32(of), uint32(name), anyType, offset / 4, mostWords}, nil)
	if err != nil {
		return property{}, err
	}
	size := int(order.Uint32(reply[16:])) * int(reply[1]) / 8
	if size < 0 || len(reply) < eventBytes+size {
		return property{}, errMalformed
	}
	return property{atom(order.Uint32(reply[8:])), reply[eventBytes : eventBytes+size], order.Uint32(reply[12:])}, nil
}

func (c *connection) owner(selection atom) (window, error) {
	reply, err := c.ask(getSelectionOwner, 0, []uint32{uint32(selection)}, nil)
	if err != nil {
		return 0, err
	}
	return window(order.Uint32(reply[8:])), nil
}

// notify answers a program that has asked for a selection; with no property, that it does not get it.
func (c *connection) notify(requestor window, selection atom, target atom, where atom, time uint32) {
	var made event
	made[0] = selectionNotify
	for at, value := range []uint32{time, uint32(requestor), uint32(selection), uint32(target), uint32(where)} {
		order.PutUint32(made[4+4*at:], value)
	}
	c.send(sendEvent, 0, []uint32{uint32(requestor), 0}, made[:])
}

// watchSelection makes changes of the owner of a selection known, by events whose number is returned; see the protocol of XFIXES.
func (c *connection) watchSelection(of window, selection atom) (byte, error) {
	const name = "XFIXES"
	reply, err := c.ask(queryExtension, 0, []uint32{uint32(len(name))}, []byte(name))
	if err != nil {
		return 0, err
	}
	if reply[8] == 0 {
		return 0, errNoXfixes
	}
	opcode, firstEvent := reply[9], reply[10]
	const queryVersion, selectSelectionInput, allChanges = 0, 2, 7
	if _, err := c.ask(opcode, queryVersion, []uint32{1, 0}, nil); err != nil {
		return 0, err
	}
	c.send(opcode, selectSelectionInput, []uint32{uint32(of), uint32(selection), allChanges}, nil)
	return firstEvent, nil
}
