// Package webdav is a client of the host's WebDAV server, as small as that server needs it.
package webdav

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// ErrNoAnswer says that the host did not answer a request.
var ErrNoAnswer = errors.New("the host does not answer")

// Dialer connects to the host.
type Dialer func() (net.Conn, error)

const (
	// More than programs gain from, and less than the host and kame-tools allow.
	maxConnections = 8
	// A host that is started again is back after some seconds; but no program shall hang for long.
	patience = 30 * time.Second
	// A request that may be repeated is, when nothing has come for so long: a revert loses answers.
	silence    = 12 * time.Second
	retryPause = 100 * time.Millisecond
	// kame-tools wait for a host for three seconds before they end a connection.
	absence = 2 * time.Second
	// The time that a large file may take, in bytes for each second.
	slowest = 64 * 1024
)

// Client asks the host.
type Client struct {
	dial Dialer
	// A request takes a place, and gives it back with a connection that the next one may use, or nil.
	idle chan *connection
	// How long a request may take.
	patience time.Duration
}

// NewClient makes a client.
func NewClient(dial Dialer) *Client {
	client := &Client{dial: dial, idle: make(chan *connection, maxConnections), patience: patience}
	for count := 0; count < maxConnections; count++ {
		client.idle <- nil
	}
	return client
}

// call is a request to the host.
type call struct {
	method string
	path   []string
	// Header lines, each with its end.
	headers string
	// A short body, or a file and how much of it.
	text string
	body io.ReaderAt
	size int64
	// Whether it may be sent again when it is not known what became of it.
	repeatable bool
	// Whether it fails soon when there is no host.
	impatient bool
}

// do sends a request and uses its answer, again if need be.
func (c *Client) do(ctx context.Context, asked call, use func(*response) error) error {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.patience+time.Duration(asked.size/slowest)*time.Second)
	defer cancel()
	head, err := headOf(asked)
	if err != nil {
		return err
	}
	for {
		sent, err := c.attempt(ctx, head, asked, use)
		var broken *brokenError
		if !errors.As(err, &broken) {
			return err
		}
		isAbsent := asked.impatient && time.Since(begun) > absence && !broken.isSilence()
		if ctx.Err() == nil && (isAbsent || sent && !asked.repeatable) {
			return ErrNoAnswer
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return context.Canceled
			}
			return ErrNoAnswer
		case <-time.After(retryPause):
		}
	}
}

// brokenError is what a connection failed with, so that another one may be tried.
type brokenError struct{ reason error }

func (b *brokenError) Error() string { return b.reason.Error() }

// isSilence tells whether the connection was there, but nothing came.
func (b *brokenError) isSilence() bool { return errors.Is(b.reason, os.ErrDeadlineExceeded) }

// attempt tells whether the host may have got something of the request.
func (c *Client) attempt(ctx context.Context, head []byte, asked call, use func(*response) error) (bool, error) {
	var used *connection
	select {
	case used = <-c.idle:
	case <-ctx.Done():
		return false, &brokenError{ctx.Err()}
	}
	// Goes back with the place, if it can be used again.
	var kept *connection
	defer func() { c.idle <- kept }()
	if used == nil {
		opened, err := c.dial()
		if err != nil {
			return false, &brokenError{err}
		}
		used = newConnection(opened)
	}
	stop := used.closeWith(ctx)
	sent, err := used.ask(head, asked, use)
	if stop() && err == nil && used.isReusable() {
		kept = used
	} else {
		_ = used.Close()
	}
	return sent, err
}
