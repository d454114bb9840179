// Package fuse speaks the protocol by which the kernel has a file system served by a program; see linux/fuse.h. Both architectures
// that kame-tools are for are little-endian, as the protocol is there.
package fuse

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Opcode says what the kernel asks for.
type Opcode uint32

// What the kernel asks for, as far as it is served.
const (
	Lookup      Opcode = 1
	Forget      Opcode = 2
	GetAttr     Opcode = 3
	SetAttr     Opcode = 4
	SymLink     Opcode = 6
	MakeNode    Opcode = 8
	MakeDir     Opcode = 9
	Unlink      Opcode = 10
	RemoveDir   Opcode = 11
	Rename      Opcode = 12
	Link        Opcode = 13
	Open        Opcode = 14
	Read        Opcode = 15
	Write       Opcode = 16
	StatFS      Opcode = 17
	Release     Opcode = 18
	Sync        Opcode = 20
	Flush       Opcode = 25
	Init        Opcode = 26
	OpenDir     Opcode = 27
	ReadDir     Opcode = 28
	ReleaseDir  Opcode = 29
	SyncDir     Opcode = 30
	Create      Opcode = 35
	Interrupt   Opcode = 36
	Destroy     Opcode = 38
	BatchForget Opcode = 42
	ReadDirPlus Opcode = 44
	Rename2     Opcode = 45
)

// Root is the node of the file system itself.
const Root = 1

const headerBytes = 40

// ErrMalformed says that a frame is not what the protocol says.
var ErrMalformed = errors.New("a frame of the kernel is malformed")

// Request is a frame of the kernel.
type Request struct {
	Opcode Opcode
	Unique uint64
	Node   uint64
	Fields Fields
}

// Parse reads a frame of the kernel, whose content the request goes on using.
func Parse(frame []byte) (Request, error) {
	if len(frame) < headerBytes || uint64(binary.LittleEndian.Uint32(frame)) != uint64(len(frame)) {
		return Request{}, ErrMalformed
	}
	return Request{
		Opcode: Opcode(binary.LittleEndian.Uint32(frame[4:])),
		Unique: binary.LittleEndian.Uint64(frame[8:]),
		Node:   binary.LittleEndian.Uint64(frame[16:]),
		Fields: Fields{rest: frame[headerBytes:]},
	}, nil
}

// Fields are read from the content of a frame one after the other. After one that is missing all are zero, and Bad tells.
type Fields struct {
	rest []byte
	bad  bool
}

// Bad tells whether a field was missing.
func (f *Fields) Bad() bool { return f.bad }

// Bytes reads so many bytes.
func (f *Fields) Bytes(count int) []byte {
	if f.bad || count < 0 || count > len(f.rest) {
		f.bad = true
		return nil
	}
	taken := f.rest[:count]
	f.rest = f.rest[count:]
	return taken
}

// U32 reads a number of 32 bits.
func (f *Fields) U32() uint32 {
	taken := f.Bytes(4)
	if taken == nil {
		return 0
	}
	return binary.LittleEndian.Uint32(taken)
}

// U64 reads a number of 64 bits.
func (f *Fields) U64() uint64 {
	taken := f.Bytes(8)
	if taken == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(taken)
}

// Name reads the name of a file, which ends with a zero.
func (f *Fields) Name() string {
	end := bytes.IndexByte(f.rest, 0)
	if end <= 0 || bytes.IndexByte(f.rest[:end], '/') >= 0 {
		f.bad = true
		return ""
	}
	name := string(f.Bytes(end))
	f.Bytes(1)
	return name
}
