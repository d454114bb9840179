package shares

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
)

// fakePort is a port whose other end is the test.
type fakePort struct {
	reads chan []byte
	rest  []byte
	sent  chan []byte
	fails bool
	// So often it is asked for a host before there is one.
	absent atomic.Int32
}

func newFakePort() *fakePort {
	return &fakePort{reads: make(chan []byte, 64), sent: make(chan []byte, 64)}
}

func (p *fakePort) Read(into []byte) (int, error) {
	if len(p.rest) == 0 {
		next, open := <-p.reads
		if !open {
			return 0, io.EOF
		}
		p.rest = next
	}
	count := copy(into, p.rest)
	p.rest = p.rest[count:]
	return count, nil
}

func (p *fakePort) HasHost() bool { return p.absent.Add(-1) < 0 }

func (p *fakePort) Send(frame []byte) error {
	if p.fails {
		return errors.New("no host")
	}
	p.sent <- append([]byte{}, frame...)
	return nil
}

func frameOf(id int64, content string) []byte {
	frame := make([]byte, headerBytes+len(content))
	putHeader(frame, id, len(content))
	copy(frame[headerBytes:], content)
	return frame
}

// begin runs a relay and gives a program of the guest its connection.
func begin(t *testing.T, port *fakePort) (*relay, net.Conn) {
	t.Helper()
	r := newRelay(port)
	go func() { _ = r.fromHost() }()
	program, end := net.Pipe()
	go r.fromGuest(end)
	return r, program
}

func expectRead(t *testing.T, from net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(from, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

func expectEnd(t *testing.T, from net.Conn) {
	t.Helper()
	if count, err := from.Read(make([]byte, 1)); err == nil {
		t.Fatalf("read %d bytes of a connection that has ended", count)
	}
}

func TestCarriesAConnectionBothWays(t *testing.T) {
	port := newFakePort()
	_, program := begin(t, port)
	if _, err := program.Write([]byte("GET /")); err != nil {
		t.Fatal(err)
	}
	if got := <-port.sent; !bytes.Equal(got, frameOf(1, "GET /")) {
		t.Fatalf("sent %q", got)
	}
	// In pieces, and beside a frame for nobody.
	answer := append(frameOf(7, "nobody"), frameOf(1, "200 OK")...)
	for _, one := range answer {
		port.reads <- []byte{one}
	}
	expectRead(t, program, "200 OK")
	_ = program.Close()
	if got := <-port.sent; !bytes.Equal(got, frameOf(1, "")) {
		t.Fatalf("sent %q at the end", got)
	}
}

func TestEndsWhatTheHostEnds(t *testing.T) {
	port := newFakePort()
	_, program := begin(t, port)
	_, _ = program.Write([]byte("x"))
	<-port.sent
	port.reads <- frameOf(1, "")
	expectEnd(t, program)
}

func TestForgetsHalfAFrameOfAHostThatIsGone(t *testing.T) {
	port := newFakePort()
	r, program := begin(t, port)
	_, _ = program.Write([]byte("x"))
	<-port.sent
	port.reads <- frameOf(1, "cut off")[:12]
	port.reads <- []byte{}
	expectEnd(t, program)
	next, end := net.Pipe()
	go r.fromGuest(end)
	_, _ = next.Write([]byte("y"))
	if got := <-port.sent; !bytes.Equal(got, frameOf(2, "y")) {
		t.Fatalf("sent %q", got)
	}
	port.reads <- frameOf(2, "whole")
	expectRead(t, next, "whole")
}

func TestEndsAConnectionWhenNoHostComes(t *testing.T) {
	port := newFakePort()
	port.absent.Store(1000)
	r := newRelay(port)
	r.patience = 0
	program, end := net.Pipe()
	go r.fromGuest(end)
	expectEnd(t, program)
	r.lock.Lock()
	defer r.lock.Unlock()
	if len(r.open) != 0 {
		t.Fatal("the connection is still known")
	}
}

func TestWaitsForAHostThatComes(t *testing.T) {
	port := newFakePort()
	port.absent.Store(2)
	_, program := begin(t, port)
	written := make(chan error)
	go func() {
		_, err := program.Write([]byte("GET /"))
		written <- err
	}()
	if got := <-port.sent; !bytes.Equal(got, frameOf(1, "GET /")) {
		t.Fatalf("sent %q", got)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
}

func TestEndsAConnectionThatTheHostDoesNotTake(t *testing.T) {
	port := newFakePort()
	port.fails = true
	_, program := begin(t, port)
	_, _ = program.Write([]byte("x"))
	expectEnd(t, program)
}

func TestRefusesTooManyConnections(t *testing.T) {
	port := newFakePort()
	r := newRelay(port)
	for count := 0; count < maxConnections; count++ {
		one, _ := net.Pipe()
		if _, fits := r.add(one); !fits {
			t.Fatal("a connection does not fit")
		}
	}
	program, end := net.Pipe()
	go r.fromGuest(end)
	expectEnd(t, program)
}
