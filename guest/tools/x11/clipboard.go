package x11

import (
	"errors"
	"sync"
	"time"

	"kame-tools/clipboard"
)

var errNoXfixes = errors.New("the X server does not tell who has the clipboard")

// The names of the Inter-Client Communication Conventions, and of properties of our own window.
var conventions = []string{
	"CLIPBOARD", "TARGETS", "MULTIPLE", "TIMESTAMP", "INCR", "ATOM_PAIR", "TEXT", "UTF8_STRING", "KAME_TIME", "KAME_TARGETS", "KAME_CONTENT",
}

// Clipboard is that of an X server: https://www.x.org/releases/current/doc/xorg-docs/icccm/icccm.html#Peer_to_Peer_Communication_by_Means_of_Selections
type Clipboard struct {
	connection *connection
	window     window
	known      map[string]atom
	ownerEvent byte
	changed    func()
	transfers  *transfers

	// What is received, one after the other.
	receiving sync.Mutex

	lock sync.Mutex
	// Of what another program has.
	types []string
	// Of what is there from here: when it was put there, and the content by type. Nil if another program has the clipboard.
	content map[atom][]byte
	targets []atom
	since   uint32
	// Those who wait for an event.
	notified chan event
	newValue chan event
	stamped  chan event
}

// Open connects to the X server of the session and begins to watch its clipboard. It calls changed at each change.
func Open(changed func()) (*Clipboard, error) {
	connection, err := connect()
	if err != nil {
		return nil, err
	}
	opened, err := newClipboard(connection, changed)
	if err != nil {
		connection.close()
	}
	return opened, err
}

func newClipboard(connection *connection, changed func()) (*Clipboard, error) {
	c := &Clipboard{
		connection: connection, known: map[string]atom{}, changed: changed,
		notified: make(chan event, 1), newValue: make(chan event, 64), stamped: make(chan event, 1),
	}
	c.transfers = newTransfers(connection)
	for _, name := range conventions {
		number, err := connection.atomOf(name)
		if err != nil {
			return nil, err
		}
		c.known[name] = number
	}
	c.window = connection.makeWindow()
	var err error
	if c.ownerEvent, err = connection.watchSelection(c.window, c.known["CLIPBOARD"]); err != nil {
		return nil, err
	}
	owners := make(chan window, 1)
	go c.handleEvents(owners)
	go c.followOwners(owners)
	owner, err := connection.owner(c.known["CLIPBOARD"])
	if err != nil {
		return nil, err
	}
	putLatest(owners, owner)
	return c, nil
}

// Protocol is the name of what the clipboard is reached by.
func (c *Clipboard) Protocol() string { return "x11" }

// Ended is closed when the server has ended.
func (c *Clipboard) Ended() <-chan struct{} { return c.connection.ended }

// Types are those of what is on the clipboard, and whether it was put there by Offer.
func (c *Clipboard) Types() (types []string, ours bool) {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.types, c.content != nil
}

// Offer puts content on the clipboard, until another program does.
func (c *Clipboard) Offer(contents []clipboard.Content) error {
	content := map[atom][]byte{}
	targets := []atom{c.known["TARGETS"], c.known["TIMESTAMP"], c.known["MULTIPLE"]}
	c.receiving.Lock()
	defer c.receiving.Unlock()
	for _, each := range contents {
		for _, name := range each.Types {
			number, err := c.connection.atomOf(name)
			if err != nil {
				return err
			}
			content[number] = each.Data
			targets = append(targets, number)
		}
	}
	now, err := c.now()
	if err != nil {
		return err
	}
	c.lock.Lock()
	c.content, c.targets, c.since, c.types = content, targets, now, nil
	c.lock.Unlock()
	c.connection.send(setSelectionOwner, 0, []uint32{uint32(c.window), uint32(c.known["CLIPBOARD"]), now}, nil)
	owner, err := c.connection.owner(c.known["CLIPBOARD"])
	if err == nil && owner != c.window {
		err = errors.New("another program has taken the clipboard")
	}
	if err != nil {
		c.lose()
	}
	c.changed()
	return err
}

// now is the time of the server, which selections need; it comes with the change of a property.
func (c *Clipboard) now() (uint32, error) {
	drain(c.stamped)
	c.connection.setProperty(c.window, c.known["KAME_TIME"], atomInteger, 32, nil)
	stamp, err := c.await(c.stamped)
	return stamp.number(12), err
}

func (c *Clipboard) lose() {
	c.lock.Lock()
	c.content, c.targets = nil, nil
	c.lock.Unlock()
}

func (c *Clipboard) await(events <-chan event) (event, error) {
	select {
	case came := <-events:
		return came, nil
	case <-c.connection.ended:
		return event{}, errEnded
	case <-time.After(patience):
		return event{}, errors.New("the program that has the clipboard does not answer")
	}
}

func drain(events chan event) {
	for {
		select {
		case <-events:
		default:
			return
		}
	}
}

// handleEvents must not wait for the server, nor for who waits for events.
func (c *Clipboard) handleEvents(owners chan window) {
	for {
		var came event
		select {
		case came = <-c.connection.events:
		case <-c.connection.ended:
			return
		}
		switch {
		case came.kind() == c.ownerEvent:
			if atom(came.number(12)) == c.known["CLIPBOARD"] {
				putLatest(owners, window(came.number(8)))
			}
		case came.kind() == selectionClear:
			c.onClear(came)
		case came.kind() == selectionNotify:
			put(c.notified, came)
		case came.kind() == selectionRequest:
			c.serve(came)
		case came.kind() == propertyNotify:
			c.onProperty(came)
		}
	}
}

// onClear takes note that another program has the clipboard, unless content was put there again since.
func (c *Clipboard) onClear(came event) {
	c.lock.Lock()
	late := int32(came.number(4)-c.since) < 0
	c.lock.Unlock()
	if !late && atom(came.number(12)) == c.known["CLIPBOARD"] {
		c.lose()
	}
}

func put(to chan event, value event) {
	select {
	case to <- value:
	default:
	}
}

// putLatest keeps only the newest owner: it is the sole writer.
func putLatest(to chan window, value window) {
	select {
	case <-to:
	default:
	}
	to <- value
}

func (c *Clipboard) onProperty(came event) {
	const deleted = 1
	of, name, state := window(came.number(4)), atom(came.number(8)), came[16]
	if of != c.window {
		if state == deleted {
			c.transfers.next(of, name)
		}
		return
	}
	switch {
	case state == deleted:
	case name == c.known["KAME_TIME"]:
		put(c.stamped, came)
	case name == c.known["KAME_CONTENT"]:
		put(c.newValue, came)
	}
}

// followOwners learns what each new owner of the clipboard offers.
func (c *Clipboard) followOwners(owners <-chan window) {
	for {
		var owner window
		select {
		case owner = <-owners:
		case <-c.connection.ended:
			return
		}
		if owner == c.window {
			continue
		}
		var types []string
		if owner != 0 {
			types, _ = c.askTypes()
		}
		c.lock.Lock()
		c.types = types
		c.lock.Unlock()
		c.changed()
	}
}
