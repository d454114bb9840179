package hgfs

import (
	"context"
	"errors"
	"io"
	"sync"
	"syscall"

	"kame-tools/fuse"
)

// So many requests are answered at a time; more wait in the kernel.
const maxRequests = 64

// Server answers the requests of a kernel.
type Server struct {
	files  *FileSystem
	device io.ReadWriter
	// A place for each request that is answered.
	places  chan struct{}
	working sync.WaitGroup

	lock sync.Mutex
	// How requests that are being answered are interrupted.
	cancel map[uint64]context.CancelFunc
}

// NewServer makes a server for a kernel, whose frames are read and written one at a time.
func NewServer(files *FileSystem, device io.ReadWriter) *Server {
	return &Server{
		files:  files,
		device: device,
		places: make(chan struct{}, maxRequests),
		cancel: map[uint64]context.CancelFunc{},
	}
}

// Serve answers requests until the kernel ends the file system, or does not keep to the protocol.
func (s *Server) Serve() error {
	buffer := make([]byte, fuse.BufferBytes)
	for {
		count, err := s.device.Read(buffer)
		if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.EINTR) {
			// A request was taken back before it was read.
			continue
		}
		if errors.Is(err, syscall.ENODEV) || errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		asked, err := fuse.Parse(append([]byte(nil), buffer[:count]...))
		if err != nil {
			return err
		}
		if err := s.take(&asked); err != nil {
			return err
		}
	}
}

// Wait waits until all requests have been answered.
func (s *Server) Wait() { s.working.Wait() }

// take answers a request, or begins to.
func (s *Server) take(asked *fuse.Request) error {
	switch asked.Opcode {
	case fuse.Init:
		reply, err := fuse.Negotiate(&asked.Fields)
		if err != nil {
			_, _ = s.device.Write(fuse.Failure(asked.Unique, syscall.EPROTO))
			return err
		}
		_, err = s.device.Write(reply.Frame(asked.Unique))
		return err
	case fuse.Forget:
		s.files.nodes.forget(asked.Node, asked.Fields.U64())
	case fuse.BatchForget:
		s.forgetAll(&asked.Fields)
	case fuse.Interrupt:
		s.interrupt(asked.Fields.U64())
	case fuse.Destroy:
		_, _ = s.device.Write(fuse.NewReply(0).Frame(asked.Unique))
	default:
		s.begin(asked)
	}
	return nil
}

func (s *Server) forgetAll(from *fuse.Fields) {
	count := from.U32()
	from.Bytes(4)
	for ; count > 0 && !from.Bad(); count-- {
		node, lookups := from.U64(), from.U64()
		s.files.nodes.forget(node, lookups)
	}
}

func (s *Server) interrupt(unique uint64) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if cancel := s.cancel[unique]; cancel != nil {
		cancel()
	}
}

func (s *Server) begin(asked *fuse.Request) {
	s.places <- struct{}{}
	s.working.Add(1)
	ctx, cancel := context.WithCancel(context.Background())
	s.lock.Lock()
	s.cancel[asked.Unique] = cancel
	s.lock.Unlock()
	go func() {
		defer func() {
			s.lock.Lock()
			delete(s.cancel, asked.Unique)
			s.lock.Unlock()
			cancel()
			<-s.places
			s.working.Done()
		}()
		s.answer(ctx, asked)
	}()
}

// answer fails only when the kernel does not want the answer any more.
func (s *Server) answer(ctx context.Context, asked *fuse.Request) {
	reply, err := s.files.answer(ctx, asked)
	frame := fuse.Failure(asked.Unique, syscall.EIO)
	if err != nil {
		frame = fuse.Failure(asked.Unique, errnoOf(err))
	} else {
		frame = reply.Frame(asked.Unique)
	}
	_, _ = s.device.Write(frame)
}
