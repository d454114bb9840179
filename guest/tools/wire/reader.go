package wire

import (
	"bytes"
	"encoding/binary"
	"io"
)

// Kind says what the reader has found.
type Kind int

// What a reader finds.
const (
	// Opened is the start of a connection.
	Opened Kind = iota
	// Message is a frame of the present connection.
	Message
	// Lost means that the present connection has ended: what followed was no frame of it, or nobody is connected.
	Lost
)

// Event is what the reader has found.
type Event struct {
	Kind  Kind
	Nonce Nonce
	Frame Frame
}

// Reader finds connections and their frames in a stream of bytes. A host that ends in the middle of a frame leaves a part of
// it behind: the zeros that begin the next connection complete that frame, and its tag is wrong then.
type Reader struct {
	source     io.Reader
	buffer     []byte
	start, end int
	nonce      Nonce
	connected  bool
}

// NewReader makes a reader. A source that returns no bytes and no error reports that nobody is connected.
func NewReader(source io.Reader) *Reader {
	return &Reader{source: source, buffer: make([]byte, 2*MaxFrame)}
}

// Next waits for the next event, or the error of the source.
func (r *Reader) Next() (Event, error) {
	for {
		var event Event
		var found bool
		if r.connected {
			event, found = r.frame()
		} else {
			event, found = r.preamble()
		}
		if found {
			return event, nil
		}
		count, err := r.fill()
		if err != nil {
			return Event{}, err
		}
		if count == 0 {
			// The rest of an unfinished frame will not come.
			r.start, r.end = 0, 0
			if r.connected {
				r.connected = false
				return Event{Kind: Lost}, nil
			}
		}
	}
}

func (r *Reader) fill() (int, error) {
	if r.start > 0 {
		copy(r.buffer, r.buffer[r.start:r.end])
		r.end -= r.start
		r.start = 0
	}
	count, err := r.source.Read(r.buffer[r.end:])
	r.end += count
	return count, err
}

// preamble skips everything before a preamble.
func (r *Reader) preamble() (Event, bool) {
	rest := r.buffer[r.start:r.end]
	at := bytes.Index(rest, magic[:])
	if at < 0 {
		// Its first bytes may have come.
		if len(rest) >= len(magic) {
			r.start = r.end - len(magic) + 1
		}
		return Event{}, false
	}
	r.start += at
	if r.end-r.start < PreambleSize {
		return Event{}, false
	}
	copy(r.nonce[:], r.buffer[r.start+len(magic):])
	r.start += PreambleSize
	r.connected = true
	return Event{Kind: Opened, Nonce: r.nonce}, true
}

func (r *Reader) frame() (Event, bool) {
	rest := r.buffer[r.start:r.end]
	if len(rest) < headerSize {
		return Event{}, false
	}
	size := int(binary.BigEndian.Uint32(rest))
	kind := Type(rest[4])
	if size > MaxPayload || kind == 0 || kind > lastType {
		return r.lose()
	}
	total := headerSize + size + tagSize
	if len(rest) < total {
		return Event{}, false
	}
	if !bytes.Equal(rest[headerSize+size:total], r.nonce[:tagSize]) {
		return r.lose()
	}
	r.start += total
	stream := binary.BigEndian.Uint32(rest[5:])
	return Event{Kind: Message, Frame: Frame{kind, stream, rest[headerSize : headerSize+size]}}, true
}

// lose ends the connection and consumes nothing: the preamble of the next one may be in what looked like a frame.
func (r *Reader) lose() (Event, bool) {
	r.connected = false
	return Event{Kind: Lost}, true
}
