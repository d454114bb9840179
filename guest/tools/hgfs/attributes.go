package hgfs

import (
	"context"
	"errors"
	"syscall"
	"time"

	"kame-tools/fuse"
	"kame-tools/webdav"
)

// Permissions are those of the host; in the guest all users may do what it may.
const (
	folderMode  = syscall.S_IFDIR | 0o777
	fileMode    = syscall.S_IFREG | 0o666
	programBits = 0o111
	writeBits   = 0o222
	modeBits    = 0o7777
)

func modeOf(entry webdav.Entry) uint32 {
	mode := uint32(fileMode)
	switch {
	case entry.IsFolder:
		mode = folderMode
	case entry.IsProgram:
		mode |= programBits
	}
	if entry.ReadOnly {
		mode &^= writeBits
	}
	return mode
}

// attributes are what the kernel is told of a node: of its content here, if it is being written.
func (f *FileSystem) attributes(of *node) fuse.Attributes {
	entry := f.nodes.known(of)
	told := fuse.Attributes{Inode: of.inode, Size: entry.Size, Modified: entry.Modified, Mode: modeOf(entry)}
	if written := f.nodes.staged(of); written != nil {
		if file, size, modified := written.look(); file != nil {
			told.Size, told.Modified = uint64(size), modified
		}
	}
	return told
}

// refresh asks the host for a node, unless it is being written here.
func (f *FileSystem) refresh(ctx context.Context, of *node) error {
	if of.id == fuse.Root {
		return nil
	}
	if written := f.nodes.staged(of); written != nil {
		if file, _, _ := written.look(); file != nil {
			return nil
		}
	}
	path, err := f.path(of)
	if err != nil {
		return err
	}
	entry, err := f.find(ctx, path)
	if err == nil {
		f.nodes.know(of, entry)
	}
	return err
}

func (f *FileSystem) getAttributes(ctx context.Context, of *node, _ *fuse.Fields) (*fuse.Reply, error) {
	if err := f.refresh(ctx, of); err != nil {
		return nil, err
	}
	return f.attributesReply(of), nil
}

func (f *FileSystem) attributesReply(of *node) *fuse.Reply {
	reply := fuse.NewReply(104)
	reply.Attributes(f.attributes(of))
	return reply
}

// Which attributes are set; see linux/fuse.h.
const (
	setMode        = 1 << 0
	setUser        = 1 << 1
	setGroup       = 1 << 2
	setSize        = 1 << 3
	setModified    = 1 << 5
	setModifiedNow = 1 << 8
)

// change is what SetAttr asks for.
type change struct {
	valid, mode, user, group uint32
	size, modified           uint64
}

func changeOf(from *fuse.Fields) change {
	var asked change
	asked.valid = from.U32()
	from.Bytes(12)
	asked.size = from.U64()
	from.Bytes(16)
	asked.modified = from.U64()
	from.Bytes(20)
	asked.mode = from.U32()
	from.Bytes(4)
	asked.user, asked.group = from.U32(), from.U32()
	return asked
}

// setAttributes changes the size and the time of a file, and whether it is a program. There are no other owners and permissions
// than those that are shown.
func (f *FileSystem) setAttributes(ctx context.Context, of *node, from *fuse.Fields) (*fuse.Reply, error) {
	asked := changeOf(from)
	if from.Bad() {
		return nil, syscall.EINVAL
	}
	if of.id == fuse.Root || asked.valid&setUser != 0 && asked.user != 0 || asked.valid&setGroup != 0 && asked.group != 0 {
		return nil, syscall.EPERM
	}
	if err := f.refresh(ctx, of); err != nil {
		return nil, err
	}
	path, err := f.path(of)
	if err != nil {
		return nil, err
	}
	if asked.valid&setMode != 0 {
		if err := f.setMode(ctx, of, path, asked.mode); err != nil {
			return nil, err
		}
	}
	if asked.valid&(setSize|setModified|setModifiedNow) != 0 {
		if err := f.setContent(ctx, of, path, asked); err != nil {
			return nil, err
		}
	}
	if err := f.refresh(ctx, of); err != nil {
		return nil, err
	}
	return f.attributesReply(of), nil
}

// setMode makes a file a program or none. Other permissions cannot be changed.
func (f *FileSystem) setMode(ctx context.Context, of *node, path []string, mode uint32) error {
	entry := f.nodes.known(of)
	mode, now := mode&modeBits, modeOf(entry)&modeBits
	if mode == now {
		return nil
	}
	const ownersBit = 0o100
	if entry.IsFolder || mode&^programBits != now&^programBits {
		return syscall.EPERM
	}
	err := f.client.SetProgram(ctx, path, mode&ownersBit != 0)
	if err == nil {
		entry.IsProgram = mode&ownersBit != 0
		f.nodes.know(of, entry)
	}
	return err
}

func (f *FileSystem) setContent(ctx context.Context, of *node, path []string, asked change) error {
	entry := f.nodes.known(of)
	if entry.ReadOnly {
		return syscall.EROFS
	}
	at := int64(asked.modified)
	if asked.valid&setModifiedNow != 0 {
		at = time.Now().Unix()
	}
	isTouched := asked.valid&(setModified|setModifiedNow) != 0
	if asked.valid&setSize == 0 {
		return f.touch(ctx, of, path, at)
	}
	if entry.IsFolder {
		return syscall.EISDIR
	}
	// A program that has the file open closes it later; else this is all.
	f.nodes.hold(of)
	err := f.change(ctx, of, asked.size == 0, func(content *stage) error {
		err := content.resize(int64(asked.size))
		if err == nil && isTouched {
			content.touch(at)
		}
		return err
	})
	return first(err, f.letGoUnlessOpen(ctx, of))
}

// letGoUnlessOpen ends a use of a node. What was written stays here as long as a program has it open, which will send it.
func (f *FileSystem) letGoUnlessOpen(ctx context.Context, of *node) error {
	if f.nodes.isShared(of) {
		f.nodes.release(of)
		return nil
	}
	return f.letGo(ctx, of)
}

// touch sets the time of a file, at once if nothing of it is here.
func (f *FileSystem) touch(ctx context.Context, of *node, path []string, at int64) error {
	if written := f.nodes.staged(of); written != nil {
		if err := written.gate.enter(ctx); err != nil {
			return err
		}
		defer written.gate.leave()
		if file, _, _ := written.look(); file != nil {
			written.touch(at)
			return nil
		}
	}
	return f.client.SetModified(ctx, path, at)
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *FileSystem) space(ctx context.Context, of *node, _ *fuse.Fields) (*fuse.Reply, error) {
	reply := fuse.NewReply(80)
	path, err := f.path(of)
	if err != nil {
		return nil, err
	}
	if len(path) == 0 {
		reply.Space(0, 0)
		return reply, nil
	}
	free, used, err := f.client.Space(ctx, path[:1])
	if errors.Is(err, webdav.ErrNoAnswer) {
		err = syscall.ENOENT
	}
	reply.Space(free, used)
	return reply, err
}
