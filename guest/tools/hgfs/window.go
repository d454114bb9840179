package hgfs

import (
	"context"
	"sync/atomic"
	"time"

	"kame-tools/webdav"
)

const (
	// So much is read ahead by all open files together.
	maxAhead = 16 << 20
	// What was read ahead is not used for longer than the kernel trusts what it knows of a file.
	windowAge = time.Second
)

// window is the part of a file that was read last.
type window struct {
	gate   gate
	start  uint64
	data   []byte
	isLast bool
	at     time.Time
	// Where the next read begins if the file is read from one end to the other, and how much is read then.
	next  uint64
	ahead int
}

// ahead counts the bytes of all windows.
var ahead atomic.Int64

// read returns a part of a file, less only at its end.
func (w *window) read(ctx context.Context, client *webdav.Client, path []string, offset uint64, size int) ([]byte, error) {
	if err := w.gate.enter(ctx); err != nil {
		return nil, err
	}
	defer w.gate.leave()
	if found, isThere := w.part(offset, size); isThere {
		w.next = offset + uint64(len(found))
		return found, nil
	}
	w.plan(offset, size)
	w.drop()
	room := w.ahead
	if ahead.Add(int64(room)) > maxAhead && room > size {
		ahead.Add(int64(size - room))
		room = size
	}
	data := make([]byte, room)
	count, _, err := client.Read(ctx, path, data, offset)
	if err != nil {
		ahead.Add(-int64(room))
		return nil, err
	}
	w.start, w.data, w.isLast, w.at = offset, data[:count], count < room, time.Now()
	found, _ := w.part(offset, size)
	w.next = offset + uint64(len(found))
	return found, nil
}

// part returns what was read already.
func (w *window) part(offset uint64, size int) ([]byte, bool) {
	if time.Since(w.at) > windowAge || offset < w.start || offset-w.start > uint64(len(w.data)) {
		return nil, false
	}
	rest := w.data[offset-w.start:]
	if len(rest) > size {
		rest = rest[:size]
	}
	return rest, len(rest) == size || w.isLast
}

// plan chooses how much is read at once.
func (w *window) plan(offset uint64, size int) {
	if offset != w.next || offset == 0 || w.ahead < size {
		w.ahead = size
	} else if w.ahead *= 2; w.ahead > pieceBytes {
		w.ahead = pieceBytes
	}
	if w.ahead < size {
		w.ahead = size
	}
}

// drop gives the memory back.
func (w *window) drop() {
	ahead.Add(-int64(cap(w.data)))
	w.data, w.isLast, w.at = nil, false, time.Time{}
}
