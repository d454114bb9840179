// Package shares makes the folders that the host shares reachable in the guest: connections to a port of the loopback interface go
// over the virtio-serial port org.spice-space.webdav.0 to the WebDAV server of the host, in the framing of spice-webdavd.
package shares

import (
	"encoding/binary"
	"io"
)

const (
	headerBytes = 10
	// A write of the kernel's driver takes 32 KiB at most, so that a frame of that size is sent whole or not at all.
	maxSent = 32*1024 - headerBytes
	// The length has 16 bits.
	maxReceived = 0xffff
)

// putHeader begins a frame: the id of the connection and the length of what follows, which is none at its end.
func putHeader(into []byte, id int64, length int) {
	binary.LittleEndian.PutUint64(into, uint64(id))
	binary.LittleEndian.PutUint16(into[8:], uint16(length))
}

// readFrame reads a frame. Its content is valid until the next one is read into the same buffer.
func readFrame(from io.Reader, buffer []byte) (id int64, content []byte, err error) {
	header := buffer[:headerBytes]
	if _, err = io.ReadFull(from, header); err != nil {
		return 0, nil, err
	}
	id = int64(binary.LittleEndian.Uint64(header))
	content = buffer[headerBytes : headerBytes+int(binary.LittleEndian.Uint16(header[8:]))]
	_, err = io.ReadFull(from, content)
	return id, content, err
}
