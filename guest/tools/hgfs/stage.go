package hgfs

import (
	"context"
	"os"
	"sync"
	"syscall"
	"time"

	"kame-tools/webdav"
)

// gate lets one in at a time; who waits can be interrupted.
type gate chan struct{}

func newGate() gate { return make(gate, 1) }

func (g gate) enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g gate) leave() { <-g }

// stage is the content of a file that is being written. The host takes files only whole, so it is kept in the guest until a program
// closes the file.
type stage struct {
	// Held while the content comes, changes or goes to the host.
	gate gate
	// Whether the host does not have it yet.
	isDirty bool
	// The time that a program has set, which the host must be told of, or nil.
	wanted *int64

	// Guards what follows, which is looked at while the gate is held, too.
	facts sync.Mutex
	// Nil as long as there is no content.
	file     *os.File
	size     int64
	modified int64
}

// look returns what is known of the content; the file is nil when there is none.
func (s *stage) look() (file *os.File, size int64, modified int64) {
	s.facts.Lock()
	defer s.facts.Unlock()
	return s.file, s.size, s.modified
}

// Where there is more room than in /tmp, which may be in memory.
var stageDirectories = []string{"/var/tmp", "/tmp"}

// newFile makes a file without a name.
func newFile() (*os.File, error) {
	var failed error
	for _, directory := range stageDirectories {
		file, err := os.CreateTemp(directory, ".kame-tools-")
		if err == nil {
			return file, os.Remove(file.Name())
		}
		failed = err
	}
	return nil, failed
}

// load makes sure that the content is here. An empty file needs nothing from the host. The gate is held.
func (s *stage) load(ctx context.Context, client *webdav.Client, path []string, isEmpty bool) error {
	if file, _, _ := s.look(); file != nil {
		return nil
	}
	file, err := newFile()
	if err != nil {
		return err
	}
	if !isEmpty {
		if err := download(ctx, client, path, file); err != nil {
			_ = file.Close()
			return err
		}
	}
	found, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return err
	}
	s.facts.Lock()
	defer s.facts.Unlock()
	s.file, s.size, s.modified = file, found.Size(), time.Now().Unix()
	return nil
}

const pieceBytes = 1 << 20

// download copies a file of the host, which must not change meanwhile.
func download(ctx context.Context, client *webdav.Client, path []string, to *os.File) error {
	buffer := make([]byte, pieceBytes)
	var at uint64
	first := ""
	for {
		count, tag, err := client.Read(ctx, path, buffer, at)
		if err != nil {
			return err
		}
		if at == 0 {
			first = tag
		} else if count > 0 && tag != first {
			return errChanged
		}
		if _, err := to.WriteAt(buffer[:count], int64(at)); err != nil {
			return err
		}
		at += uint64(count)
		if count < len(buffer) {
			return nil
		}
	}
}

// upload gives the host what it does not have. The gate is held.
func (s *stage) upload(ctx context.Context, client *webdav.Client, path []string) error {
	file, size, _ := s.look()
	if file == nil {
		return nil
	}
	if s.isDirty {
		if err := client.Put(ctx, path, file, size, false); err != nil {
			// There is no such folder here, but one that has taken the place of the file.
			return meaning(err, 405, syscall.EISDIR)
		}
		s.isDirty = false
	}
	if s.wanted == nil {
		return nil
	}
	if err := client.SetModified(ctx, path, *s.wanted); err != nil {
		return err
	}
	s.wanted = nil
	return nil
}

// write changes the content. The gate is held.
func (s *stage) write(data []byte, offset int64) error {
	s.facts.Lock()
	defer s.facts.Unlock()
	if _, err := s.file.WriteAt(data, offset); err != nil {
		return err
	}
	if end := offset + int64(len(data)); end > s.size {
		s.size = end
	}
	s.changed()
	return nil
}

// resize cuts or lengthens the content. The gate is held.
func (s *stage) resize(size int64) error {
	s.facts.Lock()
	defer s.facts.Unlock()
	if err := s.file.Truncate(size); err != nil {
		return err
	}
	s.size = size
	s.changed()
	return nil
}

func (s *stage) changed() {
	s.isDirty, s.wanted, s.modified = true, nil, time.Now().Unix()
}

// touch sets the time of the content. The gate is held.
func (s *stage) touch(at int64) {
	s.facts.Lock()
	defer s.facts.Unlock()
	s.wanted, s.modified = &at, at
}
