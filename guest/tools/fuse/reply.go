package fuse

import (
	"encoding/binary"
	"syscall"
)

const replyHeaderBytes = 16

// Reply is an answer that is being put together.
type Reply struct{ frame []byte }

// NewReply begins an answer with room for so many bytes.
func NewReply(room int) *Reply {
	return &Reply{frame: make([]byte, replyHeaderBytes, replyHeaderBytes+room)}
}

// Len is the number of bytes so far.
func (r *Reply) Len() int { return len(r.frame) - replyHeaderBytes }

// U16 adds a number of 16 bits.
func (r *Reply) U16(value uint16) { r.frame = binary.LittleEndian.AppendUint16(r.frame, value) }

// U32 adds a number of 32 bits.
func (r *Reply) U32(value uint32) { r.frame = binary.LittleEndian.AppendUint32(r.frame, value) }

// U64 adds a number of 64 bits.
func (r *Reply) U64(value uint64) { r.frame = binary.LittleEndian.AppendUint64(r.frame, value) }

// Bytes adds bytes.
func (r *Reply) Bytes(data []byte) { r.frame = append(r.frame, data...) }

// Frame completes the answer to a request.
func (r *Reply) Frame(unique uint64) []byte {
	binary.LittleEndian.PutUint32(r.frame, uint32(len(r.frame)))
	binary.LittleEndian.PutUint64(r.frame[8:], unique)
	return r.frame
}

// Failure is the answer to a request that failed.
func Failure(unique uint64, reason syscall.Errno) []byte {
	frame := NewReply(0).Frame(unique)
	binary.LittleEndian.PutUint32(frame[4:], uint32(-int32(reason)))
	return frame
}

// Attributes are what the kernel wants to know of a file.
type Attributes struct {
	Inode    uint64
	Size     uint64
	Modified int64
	Mode     uint32
}

const blockBytes = 512

func (r *Reply) attributes(of Attributes) {
	r.U64(of.Inode)
	r.U64(of.Size)
	r.U64((of.Size + blockBytes - 1) / blockBytes)
	for range [3]int{} {
		r.U64(uint64(of.Modified))
	}
	for range [3]int{} {
		r.U32(0)
	}
	r.U32(of.Mode)
	r.U32(1)
	// User, group, and the number of a device.
	for range [3]int{} {
		r.U32(0)
	}
	const preferred = 128 * 1024
	r.U32(preferred)
	r.U32(0)
}

// The kernel asks again after a second, so that changes on the host show.
const validSeconds = 1

// Attributes adds an answer to GetAttr or SetAttr.
func (r *Reply) Attributes(of Attributes) {
	r.U64(validSeconds)
	r.U64(0)
	r.attributes(of)
}

// Entry adds what a name stands for.
func (r *Reply) Entry(node uint64, of Attributes) {
	r.U64(node)
	r.U64(0)
	r.U64(validSeconds)
	r.U64(validSeconds)
	r.U64(0)
	r.attributes(of)
}

const direntBytes, entryBytes = 24, 128

// DirentBytes is how much room an entry of a directory takes.
func DirentBytes(name string, plus bool) int {
	size := (direntBytes + len(name) + 7) &^ 7
	if plus {
		size += entryBytes
	}
	return size
}

// Dirent adds an entry of a directory. The next one is asked for by its offset.
func (r *Reply) Dirent(name string, of Attributes, next uint64) {
	r.U64(of.Inode)
	r.U64(next)
	r.U32(uint32(len(name)))
	r.U32(of.Mode >> 12)
	r.Bytes([]byte(name))
	r.Bytes(make([]byte, (8-len(name)%8)%8))
}

// Opened adds the handle of an open file or directory.
func (r *Reply) Opened(handle uint64) {
	r.U64(handle)
	r.U64(0)
}

// Space adds what StatFS tells.
func (r *Reply) Space(free uint64, used uint64) {
	const block, longestName = 4096, 255
	r.U64((free + used) / block)
	r.U64(free / block)
	r.U64(free / block)
	r.U64(0)
	r.U64(0)
	for _, value := range []uint32{block, longestName, block} {
		r.U32(value)
	}
	r.Bytes(make([]byte, 28))
}
