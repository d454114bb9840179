package fuse

import "errors"

// MaxWrite is the most that one request writes, and BufferBytes the room that the kernel wants for a request.
const (
	MaxWrite    = 256 * 1024
	BufferBytes = MaxWrite + 4096
)

// The version that is spoken, and the oldest of a kernel: that of Linux 3.15.
const (
	major, minor  = 7, 31
	oldestMinor   = 23
	requestsAhead = 16
)

// Abilities of linux/fuse.h. Without a cache for writes, what is written is known here at once.
const (
	truncateByOpen = 1 << 3
	bigWrites      = 1 << 5
	noticeChanges  = 1 << 12
	readDirPlus    = 1 << 13
	parallelNames  = 1 << 18
	maxPages       = 1 << 22
)

// ErrOldKernel says that the kernel cannot be served.
var ErrOldKernel = errors.New("the kernel's FUSE is too old")

// Negotiate answers the first request.
func Negotiate(from *Fields) (*Reply, error) {
	theirMajor, theirMinor, readAhead, theirs := from.U32(), from.U32(), from.U32(), from.U32()
	if from.Bad() {
		return nil, ErrMalformed
	}
	if theirMajor < major || (theirMajor == major && theirMinor < oldestMinor) {
		return nil, ErrOldKernel
	}
	reply := NewReply(64)
	reply.U32(major)
	reply.U32(minor)
	if theirMajor > major {
		// The kernel asks again with this version.
		return reply, nil
	}
	reply.U32(readAhead)
	reply.U32(theirs & (truncateByOpen | bigWrites | noticeChanges | readDirPlus | parallelNames | maxPages))
	reply.U16(requestsAhead)
	reply.U16(requestsAhead)
	reply.U32(MaxWrite)
	reply.U32(1)
	const page = 4096
	reply.U16(MaxWrite / page)
	reply.Bytes(make([]byte, 34))
	return reply, nil
}
