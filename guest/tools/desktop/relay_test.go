package desktop

import (
	"bytes"
	"io"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// nobody is at the screen.
const nobody = 0

// A seat whose user can be changed, and ports that tests see as the host does.
type seat struct {
	relay *relay
	user  atomic.Uint32
	id    atomic.Value
	hosts chan net.Conn
}

func newSeat(t *testing.T, user uint32) *seat {
	t.Helper()
	made := &seat{hosts: make(chan net.Conn, 10)}
	made.user.Store(user)
	made.relay = &relay{
		open: func(<-chan struct{}) (io.ReadWriteCloser, error) {
			guest, host := net.Pipe()
			made.hosts <- host
			return guest, nil
		},
		active: func() activeSession {
			id, _ := made.id.Load().(string)
			return activeSession{known: true, present: made.user.Load() != nobody, user: made.user.Load(), id: id}
		},
	}
	return made
}

// come is a helper of a user that connects. @returns its side
func (s *seat) come(t *testing.T, user uint32) *net.UnixConn {
	t.Helper()
	return s.comeIn(t, user, "")
}

func (s *seat) comeIn(t *testing.T, user uint32, session string) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ours, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := listener.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	s.relay.lock.Lock()
	s.relay.helpers = append(s.relay.helpers, &helper{connection: theirs, uid: user, session: session})
	s.relay.choose()
	s.relay.lock.Unlock()
	return ours
}

func (s *seat) host(t *testing.T) net.Conn {
	t.Helper()
	select {
	case opened := <-s.hosts:
		return opened
	case <-time.After(10 * time.Second):
		t.Fatal("the port was not opened")
		return nil
	}
}

func carries(t *testing.T, from io.Writer, to io.Reader, text string) {
	t.Helper()
	go func() { _, _ = from.Write([]byte(text)) }()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(to, got); err != nil || !bytes.Equal(got, []byte(text)) {
		t.Fatalf("%q %v", got, err)
	}
}

func gone(t *testing.T, connection net.Conn) {
	t.Helper()
	_ = connection.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := connection.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("it is there: %v", err)
	}
}

func TestOnlyTheActiveSessionIsServed(t *testing.T) {
	s := newSeat(t, 1000)
	stranger := s.come(t, 1001)
	user := s.come(t, 1000)
	host := s.host(t)
	carries(t, host, user, "from the host")
	carries(t, user, host, "from the session")
	// Another user takes the screen.
	s.user.Store(1001)
	s.relay.lock.Lock()
	s.relay.choose()
	s.relay.lock.Unlock()
	gone(t, user)
	gone(t, host)
	carries(t, s.host(t), stranger, "for the other")
	// Nobody has it.
	s.user.Store(nobody)
	s.relay.lock.Lock()
	s.relay.choose()
	s.relay.lock.Unlock()
	gone(t, stranger)
}

func TestTheEndOfEitherSide(t *testing.T) {
	s := newSeat(t, 1000)
	first := s.come(t, 1000)
	host := s.host(t)
	carries(t, host, first, "hello")
	// The host ends: the helper sees it, and comes again.
	_ = host.Close()
	gone(t, first)
	second := s.come(t, 1000)
	host = s.host(t)
	carries(t, host, second, "hello")
	_ = second.Close()
	gone(t, host)
}

func TestTwoOfOneSessionDoNotTakeTurns(t *testing.T) {
	s := newSeat(t, 1000)
	first := s.come(t, 1000)
	host := s.host(t)
	second := s.come(t, 1000)
	carries(t, host, first, "to the first")
	_ = first.Close()
	gone(t, host)
	carries(t, s.host(t), second, "to the second")
}

func TestOneUserWithTwoSessions(t *testing.T) {
	s := newSeat(t, 1000)
	s.id.Store("2")
	one := s.comeIn(t, 1000, "2")
	host := s.host(t)
	other := s.comeIn(t, 1000, "3")
	carries(t, host, one, "to session 2")
	s.id.Store("3")
	s.relay.lock.Lock()
	s.relay.choose()
	s.relay.lock.Unlock()
	gone(t, one)
	carries(t, s.host(t), other, "to session 3")
}

func TestTheSeatOfLogind(t *testing.T) {
	text := "# This is private data. Do not parse.\nIS_SEAT0=1\nACTIVE=c2\nACTIVE_UID=1000\nSESSIONS=1 c2\n"
	if got := parseSeat(text); got != (activeSession{true, true, 1000, "c2"}) {
		t.Fatal(got)
	}
	if got := parseSeat("IS_SEAT0=1\nACTIVE_UID=-1\n"); got.present {
		t.Fatal(got)
	}
	for _, test := range []struct {
		seat activeSession
		uid  uint32
		want int
	}{
		{activeSession{}, 7, 1}, {activeSession{known: true}, 0, 0}, {activeSession{true, true, 7, "1"}, 8, 0},
		{activeSession{true, true, 7, "1"}, 7, 1}, {activeSession{true, true, 7, ""}, 7, 1},
	} {
		if got := test.seat.claimOf(&helper{uid: test.uid}); got != test.want {
			t.Fatalf("%v of user %d: %d", test.seat, test.uid, got)
		}
	}
	if got := sessionOf(1 << 30); got != "" {
		t.Fatal(got)
	}
}

func TestHelpersThatEndUnserved(t *testing.T) {
	s := newSeat(t, 1000)
	for count := 0; count < 5; count++ {
		_ = s.come(t, 1001).Close()
	}
	s.relay.lock.Lock()
	defer s.relay.lock.Unlock()
	s.relay.sweep()
	if len(s.relay.helpers) != 0 {
		t.Fatalf("%d helpers are kept", len(s.relay.helpers))
	}
}
