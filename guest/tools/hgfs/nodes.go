// Package hgfs is a file system of the folders that the host shares, for the kernel of the guest.
package hgfs

import (
	"hash/fnv"
	"sync"

	"kame-tools/fuse"
	"kame-tools/webdav"
)

// node is a file or a folder that the kernel knows by a number.
type node struct {
	id     uint64
	inode  uint64
	parent *node
	name   string
	// How often the kernel was told of it, and has not forgotten it.
	lookups uint64
	// It was removed, so its name stands for nothing, or for something else.
	isGone bool
	// What the host said of it last.
	entry webdav.Entry
	// How many have it open, and its content while it is written.
	handles int
	stage   *stage
}

type childKey struct {
	parent uint64
	name   string
}

// nodes are all that the kernel knows.
type nodes struct {
	lock   sync.Mutex
	lastID uint64
	byID   map[uint64]*node
	byName map[childKey]*node
}

func newNodes() *nodes {
	root := &node{id: fuse.Root, inode: fuse.Root, entry: webdav.Entry{IsFolder: true, ReadOnly: true}}
	return &nodes{
		lastID: fuse.Root,
		byID:   map[uint64]*node{fuse.Root: root},
		byName: map[childKey]*node{},
	}
}

func (n *nodes) find(id uint64) *node {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.byID[id]
}

// path returns the names that lead to a node, unless it is gone.
func (n *nodes) path(of *node) ([]string, bool) {
	n.lock.Lock()
	defer n.lock.Unlock()
	var names []string
	for ; of.parent != nil; of = of.parent {
		if of.isGone {
			return nil, false
		}
		names = append(names, of.name)
	}
	for left, right := 0, len(names)-1; left < right; left, right = left+1, right-1 {
		names[left], names[right] = names[right], names[left]
	}
	return names, true
}

// inodeOf makes a number that a file keeps when the kernel forgets it and asks again.
func inodeOf(parent *node, name string) uint64 {
	sum := fnv.New64a()
	number := parent.inode
	for range [8]int{} {
		_, _ = sum.Write([]byte{byte(number)})
		number >>= 8
	}
	_, _ = sum.Write([]byte(name))
	const reserved = 2
	if inode := sum.Sum64(); inode >= reserved {
		return inode
	}
	return reserved
}

// tell returns the node of a name, which the kernel will be told of.
func (n *nodes) tell(parent *node, name string, entry webdav.Entry) *node {
	n.lock.Lock()
	defer n.lock.Unlock()
	key := childKey{parent.id, name}
	known := n.byName[key]
	if known != nil && known.entry.IsFolder != entry.IsFolder {
		n.detach(known)
		known = nil
	}
	if known == nil {
		n.lastID++
		known = &node{id: n.lastID, inode: inodeOf(parent, name), parent: parent, name: name}
		n.byID[known.id] = known
		n.byName[key] = known
	}
	known.entry = entry
	known.lookups++
	return known
}

// forget takes back that the kernel was told of a node.
func (n *nodes) forget(id uint64, count uint64) {
	n.lock.Lock()
	defer n.lock.Unlock()
	known := n.byID[id]
	if known == nil || id == fuse.Root {
		return
	}
	if count < known.lookups {
		known.lookups -= count
		return
	}
	known.lookups = 0
	n.drop(known)
}

// drop removes a node that nobody knows and nobody has open. The lock is held.
func (n *nodes) drop(known *node) {
	if known.lookups > 0 || known.handles > 0 || known.id == fuse.Root {
		return
	}
	delete(n.byID, known.id)
	if !known.isGone {
		delete(n.byName, childKey{known.parent.id, known.name})
	}
}

// detach takes its name from a node. The lock is held.
func (n *nodes) detach(known *node) {
	delete(n.byName, childKey{known.parent.id, known.name})
	known.isGone = true
}

// removed notes that a name stands for nothing now.
func (n *nodes) removed(parent *node, name string) {
	n.lock.Lock()
	defer n.lock.Unlock()
	if known := n.byName[childKey{parent.id, name}]; known != nil {
		n.detach(known)
	}
}

// moved notes that something has another name now.
func (n *nodes) moved(parent *node, name string, newParent *node, newName string) {
	n.lock.Lock()
	defer n.lock.Unlock()
	known := n.byName[childKey{parent.id, name}]
	if known == nil {
		return
	}
	key := childKey{newParent.id, newName}
	if replaced := n.byName[key]; replaced != nil && replaced != known {
		n.detach(replaced)
	}
	delete(n.byName, childKey{parent.id, name})
	known.parent, known.name = newParent, newName
	n.byName[key] = known
}

// hold notes that a node was opened.
func (n *nodes) hold(of *node) {
	n.lock.Lock()
	defer n.lock.Unlock()
	of.handles++
}

// release notes that a node was closed. After the last time it returns the stage, which nobody has then.
func (n *nodes) release(of *node) *stage {
	n.lock.Lock()
	defer n.lock.Unlock()
	of.handles--
	if of.handles > 0 {
		return nil
	}
	ended := of.stage
	of.stage = nil
	n.drop(of)
	return ended
}

// staged returns the stage of a node, or nil.
func (n *nodes) staged(of *node) *stage {
	n.lock.Lock()
	defer n.lock.Unlock()
	return of.stage
}

// stageFor returns the stage of a node that is open, which is made for it.
func (n *nodes) stageFor(of *node) *stage {
	n.lock.Lock()
	defer n.lock.Unlock()
	if of.stage == nil {
		of.stage = &stage{gate: newGate()}
	}
	return of.stage
}

// know notes what the host said of a node.
func (n *nodes) know(of *node, entry webdav.Entry) {
	n.lock.Lock()
	defer n.lock.Unlock()
	of.entry = entry
}

// known returns what the host said of a node.
func (n *nodes) known(of *node) webdav.Entry {
	n.lock.Lock()
	defer n.lock.Unlock()
	return of.entry
}

// isShared tells whether more than one has a node open.
func (n *nodes) isShared(of *node) bool {
	n.lock.Lock()
	defer n.lock.Unlock()
	return of.handles > 1
}
