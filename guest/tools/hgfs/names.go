package hgfs

import (
	"context"
	"errors"
	"syscall"

	"kame-tools/fuse"
	"kame-tools/webdav"
)

func (f *FileSystem) lookup(ctx context.Context, of *node, from *fuse.Fields) (*fuse.Reply, error) {
	name := from.Name()
	if from.Bad() {
		return nil, syscall.EINVAL
	}
	return f.tell(ctx, of, name)
}

// tell answers with what a name stands for on the host.
func (f *FileSystem) tell(ctx context.Context, of *node, name string) (*fuse.Reply, error) {
	path, err := f.child(of, name)
	if err != nil {
		return nil, err
	}
	entry, err := f.find(ctx, path)
	if err != nil {
		return nil, err
	}
	found := f.nodes.tell(of, name, entry)
	reply := fuse.NewReply(128)
	reply.Entry(found.id, f.attributes(found))
	return reply, nil
}

// named reads a name at the end of a request, and tells the path that it has in a folder.
func (f *FileSystem) named(of *node, from *fuse.Fields) (string, []string, error) {
	name := from.Name()
	if from.Bad() {
		return "", nil, syscall.EINVAL
	}
	path, err := f.child(of, name)
	return name, path, err
}

func (f *FileSystem) makeFolder(ctx context.Context, of *node, from *fuse.Fields) (*fuse.Reply, error) {
	from.Bytes(8)
	name, path, err := f.named(of, from)
	if err != nil {
		return nil, err
	}
	if err := f.client.MakeFolder(ctx, path); err != nil {
		return nil, err
	}
	return f.tell(ctx, of, name)
}

func (f *FileSystem) unlink(ctx context.Context, of *node, from *fuse.Fields) (*fuse.Reply, error) {
	return f.removeName(ctx, of, from, false)
}

func (f *FileSystem) removeFolder(ctx context.Context, of *node, from *fuse.Fields) (*fuse.Reply, error) {
	return f.removeName(ctx, of, from, true)
}

// removeName removes a file or an empty folder: the host never removes more for it.
func (f *FileSystem) removeName(ctx context.Context, of *node, from *fuse.Fields, isFolder bool) (*fuse.Reply, error) {
	name, path, err := f.named(of, from)
	if err != nil {
		return nil, err
	}
	found, err := f.find(ctx, path)
	if err != nil {
		return nil, err
	}
	if found.IsFolder != isFolder {
		if isFolder {
			return nil, syscall.ENOTDIR
		}
		return nil, syscall.EISDIR
	}
	if err := f.client.Remove(ctx, path); err != nil {
		return nil, meaning(err, 409, syscall.ENOTEMPTY)
	}
	f.nodes.removed(of, name)
	return fuse.NewReply(0), nil
}

func (f *FileSystem) rename(ctx context.Context, of *node, from *fuse.Fields) (*fuse.Reply, error) {
	return f.move(ctx, of, from.U64(), 0, from)
}

func (f *FileSystem) renameWith(ctx context.Context, of *node, from *fuse.Fields) (*fuse.Reply, error) {
	folder, flags := from.U64(), from.U32()
	from.Bytes(4)
	return f.move(ctx, of, folder, flags, from)
}

// mustBeNew is RENAME_NOREPLACE.
const mustBeNew = 1

func (f *FileSystem) move(ctx context.Context, of *node, folder uint64, flags uint32, names *fuse.Fields) (*fuse.Reply, error) {
	name, newName := names.Name(), names.Name()
	to := f.nodes.find(folder)
	if names.Bad() || to == nil || flags&^mustBeNew != 0 {
		return nil, syscall.EINVAL
	}
	source, err := f.child(of, name)
	if err != nil {
		return nil, err
	}
	target, err := f.child(to, newName)
	if err != nil {
		return nil, err
	}
	// Each shared folder is a file system for itself: a move that is none would last too long.
	if source[0] != target[0] {
		return nil, syscall.EXDEV
	}
	replaces, err := f.makeRoom(ctx, source, target, flags&mustBeNew != 0)
	if err != nil {
		return nil, err
	}
	if err := f.client.Move(ctx, source, target, replaces); err != nil {
		return nil, err
	}
	f.nodes.moved(of, name, to, newName)
	return fuse.NewReply(0), nil
}

// makeRoom tells whether a file is replaced, and removes an empty folder that is in the way: the host would remove a full one.
func (f *FileSystem) makeRoom(ctx context.Context, source, target []string, isNew bool) (bool, error) {
	there, err := f.find(ctx, target)
	if isAbsent(err) {
		return false, nil
	}
	if err != nil || isNew {
		return false, first(err, syscall.EEXIST)
	}
	moved, err := f.find(ctx, source)
	if err != nil {
		return false, err
	}
	switch {
	case there.IsFolder && !moved.IsFolder:
		return false, syscall.EISDIR
	case !there.IsFolder && moved.IsFolder:
		return false, syscall.ENOTDIR
	case !there.IsFolder:
		return true, nil
	}
	return false, meaning(f.client.Remove(ctx, target), 409, syscall.ENOTEMPTY)
}

func isAbsent(err error) bool {
	var refused *webdav.StatusError
	return errors.As(err, &refused) && refused.Status == 404
}
