package wire

import (
	"bytes"
	"io"
	"math/rand"
	"testing"
	"testing/iotest"
)

var one = Nonce{1, 2, 3, 4, 5}
var two = Nonce{2, 8, 7, 6, 5}

func frame(t *testing.T, nonce Nonce, kind Type, stream uint32, payload string) []byte {
	t.Helper()
	bytes, err := AppendFrame(nil, nonce, kind, stream, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// begin is what a host sends first.
func begin(nonce Nonce) []byte {
	return AppendPreamble(make([]byte, MaxFrame), nonce)
}

// events are all events in a stream of bytes, as text.
func events(t *testing.T, source io.Reader) []string {
	t.Helper()
	reader := NewReader(source)
	var found []string
	for {
		event, err := reader.Next()
		if err != nil {
			return found
		}
		switch event.Kind {
		case Opened:
			found = append(found, "opened "+string('0'+rune(event.Nonce[0])))
		case Lost:
			found = append(found, "lost")
		case Message:
			found = append(found, string(event.Frame.Payload))
		}
	}
}

func expect(t *testing.T, found []string, wanted ...string) {
	t.Helper()
	if len(found) != len(wanted) {
		t.Fatalf("found %q, wanted %q", found, wanted)
	}
	for at := range found {
		if found[at] != wanted[at] {
			t.Fatalf("found %q, wanted %q", found, wanted)
		}
	}
}

func join(parts ...[]byte) []byte {
	return bytes.Join(parts, nil)
}

func TestFramesInFragments(t *testing.T) {
	stream := join([]byte("rubbish"), begin(one), frame(t, one, Data, 1, "first"), frame(t, one, Data, 1, "second"))
	expect(t, events(t, bytes.NewReader(stream)), "opened 1", "first", "second")
	expect(t, events(t, iotest.OneByteReader(bytes.NewReader(stream))), "opened 1", "first", "second")
}

// A host that ends at any byte of a frame leaves a part of it behind. Nothing of it may count.
func TestHostEndsInsideAFrame(t *testing.T) {
	whole := frame(t, one, Data, 1, "a frame")
	for size := 0; size < len(whole); size++ {
		stream := join(begin(one), whole[:size], begin(two), frame(t, two, Data, 1, "next"))
		expect(t, events(t, bytes.NewReader(stream)), "opened 1", "lost", "opened 2", "next")
	}
}

func TestRefusesWhatIsNoFrame(t *testing.T) {
	large := frame(t, one, Data, 1, "")
	large[0] = 1
	unknown := frame(t, one, lastType+1, 1, "x")
	other := frame(t, two, Data, 1, "of another connection")
	for _, bad := range [][]byte{large, unknown, other} {
		stream := join(begin(one), bad, frame(t, one, Data, 1, "too late"))
		expect(t, events(t, bytes.NewReader(stream)), "opened 1", "lost")
	}
}

// silence reports once that nobody is connected.
type silence struct{ told bool }

func (s *silence) Read([]byte) (int, error) {
	if s.told {
		return 0, io.EOF
	}
	s.told = true
	return 0, nil
}

func TestHostDisconnects(t *testing.T) {
	half := frame(t, one, Data, 1, "half")[:5]
	source := io.MultiReader(bytes.NewReader(join(begin(one), half)))
	reader := NewReader(&sequence{sources: []io.Reader{source, &silence{}, bytes.NewReader(begin(two))}})
	for _, kind := range []Kind{Opened, Lost, Opened} {
		if event, err := reader.Next(); err != nil || event.Kind != kind {
			t.Fatalf("found %v %v, wanted %v", event, err, kind)
		}
	}
}

// sequence reads one source after the other, with their reads of nothing.
type sequence struct{ sources []io.Reader }

func (s *sequence) Read(into []byte) (int, error) {
	for len(s.sources) > 0 {
		count, err := s.sources[0].Read(into)
		if err == nil {
			return count, nil
		}
		s.sources = s.sources[1:]
	}
	return 0, io.EOF
}

func TestLargestFrame(t *testing.T) {
	payload := string(make([]byte, MaxPayload))
	stream := join(begin(one), frame(t, one, Data, 1, payload), frame(t, one, Data, 1, payload))
	expect(t, events(t, bytes.NewReader(stream)), "opened 1", payload, payload)
	if _, err := AppendFrame(nil, one, Data, 1, make([]byte, MaxPayload), []byte{0}); err == nil {
		t.Fatal("took a payload that is too large")
	}
}

// Whatever comes, the reader goes on and finds the next host.
func TestHostileBytes(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for run := 0; run < 300; run++ {
		noise := join(begin(one), frame(t, one, Data, 1, "x"), frame(t, one, Credit, 2, "yyyy"))
		for change := 0; change < 20; change++ {
			noise[MaxFrame+random.Intn(len(noise)-MaxFrame)] = byte(random.Intn(256))
		}
		found := events(t, bytes.NewReader(join(noise, begin(two), frame(t, two, Data, 1, "end"))))
		if last := found[len(found)-1]; last != "end" {
			t.Fatalf("run %d ended with %q", run, last)
		}
	}
}
