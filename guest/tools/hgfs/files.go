package hgfs

import (
	"context"
	"io"
	"syscall"

	"kame-tools/fuse"
)

// change changes the content of a node that is open. With isEmpty nothing of what the host has is needed.
func (f *FileSystem) change(ctx context.Context, of *node, isEmpty bool, do func(*stage) error) error {
	content := f.nodes.stageFor(of)
	if err := content.gate.enter(ctx); err != nil {
		return err
	}
	defer content.gate.leave()
	path, err := f.path(of)
	if err != nil {
		// It was removed. What is here already can be changed, though nobody will see it.
		if file, _, _ := content.look(); file == nil {
			return err
		}
	}
	if err := content.load(ctx, f.client, path, isEmpty); err != nil {
		return err
	}
	return do(content)
}

func (f *FileSystem) openFile(ctx context.Context, of *node, from *fuse.Fields) (*fuse.Reply, error) {
	flags := from.U32()
	if from.Bad() {
		return nil, syscall.EINVAL
	}
	writes := flags&syscall.O_ACCMODE != syscall.O_RDONLY
	if err := f.refresh(ctx, of); err != nil {
		return nil, err
	}
	entry := f.nodes.known(of)
	if entry.IsFolder {
		return nil, syscall.EISDIR
	}
	if writes && entry.ReadOnly {
		return nil, syscall.EROFS
	}
	id := f.add(of)
	if writes && flags&syscall.O_TRUNC != 0 {
		if err := f.change(ctx, of, true, func(content *stage) error { return content.resize(0) }); err != nil {
			f.remove(id)
			_ = f.letGo(ctx, of)
			return nil, err
		}
	}
	reply := fuse.NewReply(16)
	reply.Opened(id)
	return reply, nil
}

// create makes a file on the host, so that a program is told at once if that cannot be.
func (f *FileSystem) create(ctx context.Context, of *node, from *fuse.Fields) (*fuse.Reply, error) {
	flags, mode := from.U32(), from.U32()
	from.Bytes(8)
	name, path, err := f.named(of, from)
	if err != nil {
		return nil, err
	}
	err = f.client.Put(ctx, path, nil, 0, true)
	isNew := err == nil
	if flags&syscall.O_EXCL == 0 && err != nil && errnoOf(err) == syscall.EEXIST {
		// It was made on the host just now.
		err = nil
	}
	if err == nil && isNew && mode&0o100 != 0 {
		err = f.client.SetProgram(ctx, path, true)
	}
	if err != nil {
		return nil, err
	}
	entry, err := f.find(ctx, path)
	if err != nil {
		return nil, err
	}
	if entry.IsFolder {
		return nil, syscall.EISDIR
	}
	made := f.nodes.tell(of, name, entry)
	id := f.add(made)
	if isNew || flags&syscall.O_TRUNC != 0 {
		err = f.change(ctx, made, true, func(content *stage) error {
			if isNew {
				return nil
			}
			return content.resize(0)
		})
		if err != nil {
			f.remove(id)
			_ = f.letGo(ctx, made)
			f.nodes.forget(made.id, 1)
			return nil, err
		}
	}
	reply := fuse.NewReply(144)
	reply.Entry(made.id, f.attributes(made))
	reply.Opened(id)
	return reply, nil
}

func (f *FileSystem) read(ctx context.Context, of *node, from *fuse.Fields) (*fuse.Reply, error) {
	id, offset, size := from.U64(), from.U64(), from.U32()
	const most = 16 << 20
	if from.Bad() || size > most || offset > 1<<62 {
		return nil, syscall.EINVAL
	}
	opened, err := f.handle(id)
	if err != nil {
		return nil, err
	}
	reply := fuse.NewReply(int(size))
	if size == 0 {
		return reply, nil
	}
	if written := f.nodes.staged(of); written != nil {
		if file, _, _ := written.look(); file != nil {
			data := make([]byte, size)
			count, err := file.ReadAt(data, int64(offset))
			if err == io.EOF {
				err = nil
			}
			reply.Bytes(data[:count])
			return reply, err
		}
	}
	path, err := f.path(of)
	if err != nil {
		return nil, err
	}
	data, err := opened.window.read(ctx, f.client, path, offset, int(size))
	reply.Bytes(data)
	return reply, err
}

func (f *FileSystem) write(ctx context.Context, of *node, from *fuse.Fields) (*fuse.Reply, error) {
	id, offset, size := from.U64(), from.U64(), from.U32()
	from.Bytes(20)
	data := from.Bytes(int(size))
	if from.Bad() || offset > 1<<62 {
		return nil, syscall.EINVAL
	}
	if _, err := f.handle(id); err != nil {
		return nil, err
	}
	if err := f.change(ctx, of, false, func(content *stage) error { return content.write(data, int64(offset)) }); err != nil {
		return nil, err
	}
	reply := fuse.NewReply(8)
	reply.U32(size)
	reply.U32(0)
	return reply, nil
}

// flush is asked for when a program closes a file or wants it to last, and tells it whether the host has it now.
func (f *FileSystem) flush(ctx context.Context, of *node, _ *fuse.Fields) (*fuse.Reply, error) {
	return fuse.NewReply(0), f.send(ctx, of)
}
