// Package wire reads and writes the frames between a host and kame-tools. docs/tools-protocol.md describes them.
package wire

import (
	"encoding/binary"
	"errors"
)

// Version is the version of the protocol.
const Version = 1

// Type says what a frame is.
type Type byte

// The types of frames.
const (
	Hello Type = iota + 1
	RequestPart
	Request
	Started
	Data
	Credit
	End
	Signal
	Resize
	Close
	Done
	Failed
	lastType = Failed
)

// The channels of a stream.
const (
	Stdin byte = iota
	Stdout
	Stderr
	Channels
)

const (
	headerSize = 9
	tagSize    = 4
	// MaxFrame is what the virtio driver of Linux takes in one write.
	MaxFrame = 32 * 1024
	// MaxPayload is the largest payload of a frame.
	MaxPayload = MaxFrame - headerSize - tagSize
	// MaxData is the most bytes of a channel that fit in a frame.
	MaxData = MaxPayload - 1
	// Window is how many bytes of a channel may be on the way before the receiver grants more.
	Window = 256 * 1024
	// MaxRequest is the largest request, in all its parts.
	MaxRequest = 2 * 1024 * 1024
	// NonceSize is the size of the number that names a connection.
	NonceSize = 16
)

// magic begins a connection. Its first four bytes are no length of a frame.
var magic = [16]byte{0xff, 'K', 'A', 'M', 'E', '-', 'T', 'O', 'O', 'L', 'S', '\r', '\n', 0x1a, '\n', 0xff}

// PreambleSize is the size of the magic and the nonce.
const PreambleSize = len(magic) + NonceSize

// Nonce names a connection. Its first bytes are the tag at the end of each frame.
type Nonce [NonceSize]byte

// Frame is one message. The payload is valid until the next one is read.
type Frame struct {
	Type    Type
	Stream  uint32
	Payload []byte
}

// ErrPayload means that a payload is too large for a frame.
var ErrPayload = errors.New("the payload is too large")

// AppendPreamble appends what begins a connection.
func AppendPreamble(to []byte, nonce Nonce) []byte {
	return append(append(to, magic[:]...), nonce[:]...)
}

// AppendFrame appends a frame whose payload is in parts.
func AppendFrame(to []byte, nonce Nonce, kind Type, stream uint32, parts ...[]byte) ([]byte, error) {
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	if size > MaxPayload {
		return to, ErrPayload
	}
	var header [headerSize]byte
	binary.BigEndian.PutUint32(header[0:], uint32(size))
	header[4] = byte(kind)
	binary.BigEndian.PutUint32(header[5:], stream)
	to = append(to, header[:]...)
	for _, part := range parts {
		to = append(to, part...)
	}
	return append(to, nonce[:tagSize]...), nil
}
