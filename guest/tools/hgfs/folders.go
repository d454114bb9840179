package hgfs

import (
	"context"
	"errors"
	"syscall"

	"kame-tools/fuse"
	"kame-tools/webdav"
)

func (f *FileSystem) openFolder(_ context.Context, of *node, _ *fuse.Fields) (*fuse.Reply, error) {
	reply := fuse.NewReply(16)
	reply.Opened(f.add(of))
	return reply, nil
}

func (f *FileSystem) readNames(ctx context.Context, of *node, from *fuse.Fields) (*fuse.Reply, error) {
	return f.list(ctx, of, from, false)
}

func (f *FileSystem) readEntries(ctx context.Context, of *node, from *fuse.Fields) (*fuse.Reply, error) {
	return f.list(ctx, of, from, true)
}

// list answers with the entries of a folder from an offset on, as many as there is room for. With plus, the kernel is told of each,
// as by a Lookup.
func (f *FileSystem) list(ctx context.Context, of *node, from *fuse.Fields, plus bool) (*fuse.Reply, error) {
	id, offset, size := from.U64(), from.U64(), from.U32()
	const most = 16 << 20
	if from.Bad() || size > most {
		return nil, syscall.EINVAL
	}
	opened, err := f.handle(id)
	if err != nil {
		return nil, err
	}
	entries, err := f.entries(ctx, of, opened, offset == 0)
	if err != nil {
		return nil, err
	}
	reply := fuse.NewReply(int(size))
	for at := offset; at < uint64(len(entries)+own); at++ {
		name := ownNames[at%own]
		if at >= own {
			name = entries[at-own].Name
		}
		if reply.Len()+fuse.DirentBytes(name, plus) > int(size) {
			break
		}
		if at < own {
			f.putOwn(reply, of, name, at+1, plus)
		} else {
			f.put(reply, of, entries[at-own], at+1, plus)
		}
	}
	return reply, nil
}

// Each folder begins with these.
var ownNames = [own]string{".", ".."}

const own = 2

func (f *FileSystem) putOwn(reply *fuse.Reply, of *node, name string, next uint64, plus bool) {
	told := fuse.Attributes{Inode: of.inode, Mode: folderMode}
	if plus {
		// Without a node: the kernel knows these.
		reply.Entry(0, told)
	}
	reply.Dirent(name, told, next)
}

func (f *FileSystem) put(reply *fuse.Reply, of *node, entry webdav.Entry, next uint64, plus bool) {
	told := fuse.Attributes{Inode: inodeOf(of, entry.Name), Mode: modeOf(entry)}
	if plus {
		found := f.nodes.tell(of, entry.Name, entry)
		told = f.attributes(found)
		reply.Entry(found.id, told)
	}
	reply.Dirent(entry.Name, told, next)
}

// entries returns what is in a folder: what it was at the first time, until a program begins anew.
func (f *FileSystem) entries(ctx context.Context, of *node, opened *handle, isAnew bool) ([]webdav.Entry, error) {
	if err := opened.gate.enter(ctx); err != nil {
		return nil, err
	}
	defer opened.gate.leave()
	if !isAnew {
		return opened.entries, nil
	}
	path, err := f.path(of)
	if err != nil {
		return nil, err
	}
	found, err := f.client.List(ctx, path)
	if len(path) == 0 && errors.Is(err, webdav.ErrNoAnswer) {
		found, err = nil, nil
	}
	opened.entries = found
	return found, err
}
