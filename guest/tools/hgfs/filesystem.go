package hgfs

import (
	"context"
	"errors"
	"sync"
	"syscall"

	"kame-tools/fuse"
	"kame-tools/webdav"
)

// FileSystem answers the kernel with what the host shares.
type FileSystem struct {
	client *webdav.Client
	nodes  *nodes

	lock       sync.Mutex
	lastHandle uint64
	open       map[uint64]*handle
}

// handle is an open file or folder.
type handle struct {
	node   *node
	window window
	// Of a folder: held while it is listed, and what is in it.
	gate    gate
	entries []webdav.Entry
}

// New makes a file system of what a client reaches.
func New(client *webdav.Client) *FileSystem {
	return &FileSystem{client: client, nodes: newNodes(), open: map[uint64]*handle{}}
}

type operation func(f *FileSystem, ctx context.Context, of *node, from *fuse.Fields) (*fuse.Reply, error)

var operations = map[fuse.Opcode]operation{
	fuse.Lookup:      (*FileSystem).lookup,
	fuse.GetAttr:     (*FileSystem).getAttributes,
	fuse.SetAttr:     (*FileSystem).setAttributes,
	fuse.MakeDir:     (*FileSystem).makeFolder,
	fuse.Unlink:      (*FileSystem).unlink,
	fuse.RemoveDir:   (*FileSystem).removeFolder,
	fuse.Rename:      (*FileSystem).rename,
	fuse.Rename2:     (*FileSystem).renameWith,
	fuse.Open:        (*FileSystem).openFile,
	fuse.Create:      (*FileSystem).create,
	fuse.Read:        (*FileSystem).read,
	fuse.Write:       (*FileSystem).write,
	fuse.Flush:       (*FileSystem).flush,
	fuse.Sync:        (*FileSystem).flush,
	fuse.Release:     (*FileSystem).release,
	fuse.OpenDir:     (*FileSystem).openFolder,
	fuse.ReadDir:     (*FileSystem).readNames,
	fuse.ReadDirPlus: (*FileSystem).readEntries,
	fuse.ReleaseDir:  (*FileSystem).release,
	fuse.SyncDir:     (*FileSystem).nothing,
	fuse.StatFS:      (*FileSystem).space,
}

// What the host does not have: programs know these refusals from other file systems.
var forbidden = map[fuse.Opcode]bool{fuse.SymLink: true, fuse.Link: true, fuse.MakeNode: true}

// answer does what a request asks for.
func (f *FileSystem) answer(ctx context.Context, asked *fuse.Request) (*fuse.Reply, error) {
	do := operations[asked.Opcode]
	if do == nil {
		if forbidden[asked.Opcode] {
			return nil, syscall.EPERM
		}
		return nil, syscall.ENOSYS
	}
	of := f.nodes.find(asked.Node)
	if of == nil {
		return nil, syscall.ESTALE
	}
	reply, err := do(f, ctx, of, &asked.Fields)
	if err == nil && asked.Fields.Bad() {
		err = syscall.EINVAL
	}
	return reply, err
}

func (f *FileSystem) nothing(_ context.Context, _ *node, _ *fuse.Fields) (*fuse.Reply, error) {
	return fuse.NewReply(0), nil
}

// path returns the names that lead to a node.
func (f *FileSystem) path(of *node) ([]string, error) {
	if path, isThere := f.nodes.path(of); isThere {
		return path, nil
	}
	return nil, syscall.ENOENT
}

// child returns the names that lead to a name in a folder.
func (f *FileSystem) child(of *node, name string) ([]string, error) {
	path, err := f.path(of)
	return append(path, name), err
}

// find asks the host for something. Without a host there are no shared folders.
func (f *FileSystem) find(ctx context.Context, path []string) (webdav.Entry, error) {
	entry, err := f.client.Find(ctx, path)
	if len(path) == 1 && errors.Is(err, webdav.ErrNoAnswer) {
		err = syscall.ENOENT
	}
	return entry, err
}

// add opens a node.
func (f *FileSystem) add(of *node) uint64 {
	f.nodes.hold(of)
	f.lock.Lock()
	defer f.lock.Unlock()
	f.lastHandle++
	f.open[f.lastHandle] = &handle{node: of, window: window{gate: newGate()}, gate: newGate()}
	return f.lastHandle
}

func (f *FileSystem) handle(id uint64) (*handle, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	if found := f.open[id]; found != nil {
		return found, nil
	}
	return nil, syscall.EBADF
}

// remove closes a handle, and returns it.
func (f *FileSystem) remove(id uint64) *handle {
	f.lock.Lock()
	defer f.lock.Unlock()
	found := f.open[id]
	delete(f.open, id)
	return found
}

// release closes a file. Who wrote it was told of errors before; what could not be sent then is sent now.
func (f *FileSystem) release(ctx context.Context, _ *node, from *fuse.Fields) (*fuse.Reply, error) {
	closed := f.remove(from.U64())
	if closed == nil {
		return nil, syscall.EBADF
	}
	closed.window.drop()
	err := f.letGo(ctx, closed.node)
	return fuse.NewReply(0), err
}

// letGo ends a use of a node, and with the last one the stage.
func (f *FileSystem) letGo(ctx context.Context, of *node) error {
	err := f.send(ctx, of)
	if ended := f.nodes.release(of); ended != nil {
		if file, _, _ := ended.look(); file != nil {
			_ = file.Close()
		}
	}
	return err
}

// send gives the host what was written to a file. What was removed meanwhile is forgotten.
func (f *FileSystem) send(ctx context.Context, of *node) error {
	written := f.nodes.staged(of)
	if written == nil {
		return nil
	}
	if err := written.gate.enter(ctx); err != nil {
		return err
	}
	defer written.gate.leave()
	path, isThere := f.nodes.path(of)
	if !isThere {
		return nil
	}
	return written.upload(ctx, f.client, path)
}
