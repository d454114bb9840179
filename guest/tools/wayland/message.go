package wayland

import (
	"encoding/binary"
	"errors"
)

// The wire format: https://wayland.freedesktop.org/docs/html/ch04.html#sect-Protocol-Wire-Format. Numbers have the order of bytes of
// the machine, which is little-endian on all that kame-tools run on.

const (
	headerBytes = 8
	maxMessage  = 1<<16 - 1
)

var errMalformed = errors.New("the compositor sent a malformed message")

// message is a request in the making.
type message struct {
	body []byte
	fd   int
}

func newMessage() *message { return &message{fd: -1} }

func (m *message) number(value uint32) *message {
	var bytes [4]byte
	binary.LittleEndian.PutUint32(bytes[:], value)
	m.body = append(m.body, bytes[:]...)
	return m
}

func (m *message) text(value string) *message {
	m.number(uint32(len(value) + 1))
	m.body = append(m.body, value...)
	m.body = append(m.body, 0)
	for len(m.body)%4 != 0 {
		m.body = append(m.body, 0)
	}
	return m
}

// file adds an open file, which stays the caller's.
func (m *message) file(fd int) *message {
	m.fd = fd
	return m
}

// arguments are those of an event. What is not there reads as 0 and makes the event malformed.
type arguments struct {
	rest      []byte
	malformed bool
	takeFile  func() int
}

func (a *arguments) number() uint32 {
	if len(a.rest) < 4 {
		a.malformed = true
		return 0
	}
	value := binary.LittleEndian.Uint32(a.rest)
	a.rest = a.rest[4:]
	return value
}

func (a *arguments) text() string {
	size := int(a.number())
	padded := (size + 3) &^ 3
	if size == 0 && !a.malformed {
		return ""
	}
	if size < 0 || padded > len(a.rest) || size == 0 || a.rest[size-1] != 0 {
		a.malformed = true
		return ""
	}
	value := string(a.rest[:size-1])
	a.rest = a.rest[padded:]
	return value
}

// file is an open file that belongs to whoever asks; -1 if none came.
func (a *arguments) file() int {
	fd := a.takeFile()
	if fd < 0 {
		a.malformed = true
	}
	return fd
}
