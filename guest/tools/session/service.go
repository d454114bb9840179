package session

import (
	"encoding/json"
	"errors"
	"io"

	"kame-tools/wire"
)

// Failure is why a service did not do what it was asked for.
type Failure struct {
	Code    string
	Message string
}

func (f *Failure) Error() string { return f.Message }

// Exchange is a request that a service does in this process: what is read is what the host sends, and what is written goes to the
// host. Both wait for the host, and fail when it has ended the stream.
type Exchange interface {
	io.ReadWriter
	// Closed is closed when the stream is.
	Closed() <-chan struct{}
}

// Service makes a service of a function. Each request has a goroutine of its own. What the function returns, of a Failure its code
// too, goes to the host. It does not tell that it has begun: nothing runs, and one frame less is sooner on its way.
func Service(do func(request []byte, exchange Exchange) error) opener {
	return func(c *connection, id uint32, text []byte) error {
		opened := c.add(id)
		if opened == nil {
			return c.refuse(id, "busy", tooMany)
		}
		go func() { opened.finish(do(text, opened)) }()
		return nil
	}
}

// finish ends a stream that runs no program, and tells how it went.
func (s *stream) finish(failed error) {
	s.close()
	s.connection.remove(s.id)
	if failed != nil {
		code := "failed"
		var failure *Failure
		if errors.As(failed, &failure) {
			code = failure.Code
		}
		_ = s.connection.refuse(s.id, code, failed.Error())
		return
	}
	code := 0
	if text, err := json.Marshal(result{ExitCode: &code}); err == nil {
		_ = s.connection.send(wire.Done, s.id, text)
	}
}

// Read reads what the host sends, and grants it as much again.
func (s *stream) Read(into []byte) (int, error) {
	if len(s.unread) == 0 {
		chunk, more := s.nextInput()
		if !more {
			if s.isClosed() {
				return 0, errEnded
			}
			return 0, io.EOF
		}
		s.unread = chunk
	}
	count := copy(into, s.unread)
	s.unread = s.unread[count:]
	s.grantInput(count)
	return count, nil
}

// Write sends as the host has room.
func (s *stream) Write(from []byte) (int, error) {
	sent := 0
	for sent < len(from) {
		room := s.waitForRoom(wire.Stdout)
		if room == 0 {
			return sent, errEnded
		}
		count := len(from) - sent
		for _, most := range []int{room, wire.MaxData} {
			if count > most {
				count = most
			}
		}
		s.spend(wire.Stdout, count)
		if err := s.connection.send(wire.Data, s.id, []byte{wire.Stdout}, from[sent:sent+count]); err != nil {
			return sent, err
		}
		sent += count
	}
	return sent, nil
}

// Closed is closed when the host or its connection has ended the stream.
func (s *stream) Closed() <-chan struct{} { return s.over }

func (s *stream) isClosed() bool {
	s.state.Lock()
	defer s.state.Unlock()
	return s.closed
}
