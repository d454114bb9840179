package webdav

import (
	"bufio"
	"context"
	"io"
	"net"
	"sync/atomic"
	"time"
)

const (
	// An address in a list has 12 KiB at most.
	lineBytes = 16 * 1024
	pieceSent = 128 * 1024
)

// connection is one to the host, for one request after the other.
type connection struct {
	net.Conn
	reader *bufio.Reader
	// How long the host may be silent.
	silence time.Duration
	last    *response
}

func newConnection(opened net.Conn) *connection {
	made := &connection{Conn: opened, silence: silence}
	made.reader = bufio.NewReaderSize(reading{made}, lineBytes)
	return made
}

// reading fails when nothing comes for too long.
type reading struct{ from *connection }

func (r reading) Read(into []byte) (int, error) {
	_ = r.from.SetReadDeadline(time.Now().Add(r.from.silence))
	return r.from.Conn.Read(into)
}

// Write gives the host more time for its answer, too.
func (c *connection) Write(data []byte) (int, error) {
	_ = c.SetDeadline(time.Now().Add(c.silence))
	return c.Conn.Write(data)
}

// closeWith closes the connection when a context ends. What it returns ends that, and tells whether it is still open.
func (c *connection) closeWith(ctx context.Context) (stop func() bool) {
	var decided atomic.Bool
	over := make(chan struct{})
	go func() {
		select {
		case <-over:
		case <-ctx.Done():
			if decided.CompareAndSwap(false, true) {
				_ = c.Close()
			}
		}
	}()
	return func() bool {
		close(over)
		return decided.CompareAndSwap(false, true)
	}
}

// ask sends a request and has its answer used. It tells whether the host may have got something of it.
func (c *connection) ask(head []byte, asked call, use func(*response) error) (bool, error) {
	c.silence = silence
	if !asked.repeatable {
		c.silence = patience
	}
	if count, err := c.Write(head); err != nil {
		return count > 0, &brokenError{err}
	}
	sending := make(chan error, 1)
	if asked.size > 0 {
		// The answer is read meanwhile: it may be a refusal, and who does not read holds up others.
		go func() { sending <- c.send(asked) }()
	} else {
		sending <- nil
	}
	answer, err := readResponse(c.reader)
	if err != nil {
		_ = c.Close()
		if failed := <-sending; isLocal(failed) {
			return true, failed
		}
		return true, &brokenError{err}
	}
	c.last = answer
	err = use(answer)
	if err == nil {
		err = answer.discard()
	}
	if err != nil || asked.size > 0 && len(sending) == 0 {
		// What is not sent yet is not wanted.
		answer.closes = true
		_ = c.Close()
	}
	if failed := <-sending; failed != nil {
		answer.closes = true
	}
	return true, err
}

// localError is one of the file that is sent.
type localError struct{ reason error }

func (l *localError) Error() string { return l.reason.Error() }

func isLocal(err error) bool {
	_, is := err.(*localError)
	return is
}

func (c *connection) send(asked call) error {
	buffer := make([]byte, pieceSent)
	for at := int64(0); at < asked.size; {
		piece := buffer
		if left := asked.size - at; left < int64(len(piece)) {
			piece = piece[:left]
		}
		if count, err := asked.body.ReadAt(piece, at); count < len(piece) {
			_ = c.Close()
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return &localError{err}
		}
		if _, err := c.Write(piece); err != nil {
			return err
		}
		at += int64(len(piece))
	}
	return nil
}

// isReusable tells whether another request can follow.
func (c *connection) isReusable() bool {
	return c.last != nil && !c.last.closes && c.last.isDone() && c.reader.Buffered() == 0
}
