package x11

import (
	"sync"
	"time"
)

const (
	// What is sent in one property. Servers take requests of 256 KiB.
	pieceBytes = 128 * 1024
	// Programs that paste large content at the same time, and how long one may make no progress.
	maxTransfers     = 32
	transferPatience = 60 * time.Second
	// More than programs ask for in one request.
	maxPairs = 32
)

// place is where a program expects content.
type place struct {
	window window
	name   atom
}

// transfer is content that goes out piece by piece, each when the program has taken the last.
type transfer struct {
	kind     atom
	rest     []byte
	finished bool
	active   time.Time
}

type transfers struct {
	connection *connection
	lock       sync.Mutex
	open       map[place]*transfer
}

func newTransfers(connection *connection) *transfers {
	return &transfers{connection: connection, open: map[place]*transfer{}}
}

// begin sends content in pieces, and tells whether it may.
func (t *transfers) begin(to place, kind atom, incr atom, data []byte) bool {
	t.lock.Lock()
	defer t.lock.Unlock()
	for each, its := range t.open {
		if time.Since(its.active) > transferPatience {
			t.end(each)
		}
	}
	if len(t.open) >= maxTransfers {
		return false
	}
	t.open[to] = &transfer{kind: kind, rest: data, active: time.Now()}
	t.connection.listen(to.window, true)
	var size [4]byte
	order.PutUint32(size[:], uint32(len(data)))
	t.connection.setProperty(to.window, to.name, incr, 32, size[:])
	return true
}

// next sends the next piece to a program that has taken the last. An empty one says that it was all.
func (t *transfers) next(of window, name atom) {
	t.lock.Lock()
	defer t.lock.Unlock()
	to := place{of, name}
	found := t.open[to]
	if found == nil {
		return
	}
	if found.finished {
		t.end(to)
		return
	}
	piece := found.rest
	if len(piece) > pieceBytes {
		piece = piece[:pieceBytes]
	}
	found.rest = found.rest[len(piece):]
	found.finished = len(piece) == 0
	found.active = time.Now()
	t.connection.setProperty(of, name, found.kind, 8, piece)
}

func (t *transfers) end(ended place) {
	delete(t.open, ended)
	for other := range t.open {
		if other.window == ended.window {
			return
		}
	}
	t.connection.listen(ended.window, false)
}

// serve answers a program that pastes.
func (c *Clipboard) serve(came event) {
	asked := came.number(4)
	requestor, selection, target, where := window(came.number(12)), atom(came.number(16)), atom(came.number(20)), atom(came.number(24))
	if where == noAtom {
		// As programs of old ask.
		where = target
	}
	c.lock.Lock()
	content, targets, since := c.content, c.targets, c.since
	c.lock.Unlock()
	if content == nil || selection != c.known["CLIPBOARD"] || requestor == c.window {
		c.connection.notify(requestor, selection, target, noAtom, asked)
		return
	}
	answer := func() {
		if !c.put(place{requestor, where}, target, content, targets, since) {
			where = noAtom
		}
		c.connection.notify(requestor, selection, target, where, asked)
	}
	if target == c.known["MULTIPLE"] {
		// It needs the server's answer, which must not be waited for here.
		go answer()
		return
	}
	answer()
}

// put puts what a program asks for where it expects it, and tells whether there was such a thing.
func (c *Clipboard) put(to place, target atom, content map[atom][]byte, targets []atom, since uint32) bool {
	switch target {
	case c.known["TARGETS"]:
		c.connection.setProperty(to.window, to.name, atomAtom, 32, words(targets))
		return true
	case c.known["TIMESTAMP"]:
		c.connection.setProperty(to.window, to.name, atomInteger, 32, words([]atom{atom(since)}))
		return true
	case c.known["MULTIPLE"]:
		return c.putSeveral(to, content, targets, since)
	}
	data, there := content[target]
	if !there {
		return false
	}
	kind := target
	if kind == c.known["TEXT"] {
		// That target leaves the encoding to the owner.
		kind = c.known["UTF8_STRING"]
	}
	if len(data) > pieceBytes {
		return c.transfers.begin(to, kind, c.known["INCR"], data)
	}
	c.connection.setProperty(to.window, to.name, kind, 8, data)
	return true
}

// putSeveral does several requests at once, whose pairs of target and property are in a property; what it cannot do loses its property.
func (c *Clipboard) putSeveral(to place, content map[atom][]byte, targets []atom, since uint32) bool {
	found, err := c.connection.readProperty(to.window, to.name, 0, false)
	if err != nil {
		return false
	}
	var pairs []atom
	for at := 0; at+8 <= len(found.data) && len(pairs) < 2*maxPairs; at += 8 {
		target, where := atom(order.Uint32(found.data[at:])), atom(order.Uint32(found.data[at+4:]))
		if target == c.known["MULTIPLE"] || !c.put(place{to.window, where}, target, content, targets, since) {
			where = noAtom
		}
		pairs = append(pairs, target, where)
	}
	c.connection.setProperty(to.window, to.name, c.known["ATOM_PAIR"], 32, words(pairs))
	return true
}

func words(values []atom) []byte {
	data := make([]byte, 4*len(values))
	for at, each := range values {
		order.PutUint32(data[4*at:], uint32(each))
	}
	return data
}
