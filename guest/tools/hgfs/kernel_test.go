package hgfs

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kame-tools/fuse"
	"kame-tools/webdav"
)

// kernel is the other side of the device: a pair of sockets that keep frames apart, as the device does.
type kernel struct {
	t      *testing.T
	device *os.File
	unique uint64
	server *Server
	ended  chan error
}

func startKernel(t *testing.T, dial webdav.Dialer) *kernel {
	t.Helper()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "kernel"), os.NewFile(uintptr(pair[1]), "device")
	k := &kernel{t: t, device: ours, ended: make(chan error, 1)}
	k.server = NewServer(New(webdav.NewClient(dial)), theirs)
	go func() { k.ended <- k.server.Serve() }()
	t.Cleanup(func() { _ = ours.Close(); _ = theirs.Close() })
	_ = ours.SetDeadline(time.Now().Add(20 * time.Second))
	return k
}

// send sends a request with this content, and returns its number.
func (k *kernel) send(opcode fuse.Opcode, node uint64, content []byte) uint64 {
	k.t.Helper()
	k.unique++
	frame := make([]byte, 40, 40+len(content))
	binary.LittleEndian.PutUint32(frame, uint32(40+len(content)))
	binary.LittleEndian.PutUint32(frame[4:], uint32(opcode))
	binary.LittleEndian.PutUint64(frame[8:], k.unique)
	binary.LittleEndian.PutUint64(frame[16:], node)
	if _, err := k.device.Write(append(frame, content...)); err != nil {
		k.t.Fatal(err)
	}
	return k.unique
}

// receive returns the answer that comes next.
func (k *kernel) receive() (unique uint64, content []byte, number syscall.Errno) {
	k.t.Helper()
	buffer := make([]byte, 1<<20)
	count, err := k.device.Read(buffer)
	if err != nil || count < 16 || int(binary.LittleEndian.Uint32(buffer)) != count {
		k.t.Fatalf("an answer of %d bytes, %v", count, err)
	}
	number = syscall.Errno(-int32(binary.LittleEndian.Uint32(buffer[4:])))
	return binary.LittleEndian.Uint64(buffer[8:]), buffer[16:count], number
}

// ask sends a request, and expects its answer next.
func (k *kernel) ask(opcode fuse.Opcode, node uint64, content []byte) ([]byte, syscall.Errno) {
	k.t.Helper()
	sent := k.send(opcode, node, content)
	unique, answer, number := k.receive()
	if unique != sent {
		k.t.Fatalf("an answer to %d, not to %d", unique, sent)
	}
	return answer, number
}

// must asks for what succeeds.
func (k *kernel) must(opcode fuse.Opcode, node uint64, content []byte) []byte {
	k.t.Helper()
	answer, number := k.ask(opcode, node, content)
	if number != 0 {
		k.t.Fatalf("%d fails with %v", opcode, number)
	}
	return answer
}

// content puts numbers of 32 and 64 bits, bytes and names one after the other.
func content(parts ...any) []byte {
	var all []byte
	for _, part := range parts {
		switch value := part.(type) {
		case uint32:
			all = binary.LittleEndian.AppendUint32(all, value)
		case uint64:
			all = binary.LittleEndian.AppendUint64(all, value)
		case []byte:
			all = append(all, value...)
		case string:
			all = append(append(all, value...), 0)
		}
	}
	return all
}

func first64(answer []byte) uint64 { return binary.LittleEndian.Uint64(answer) }

// fakeHost has one folder of files, w, and knows the methods that the tests need.
type fakeHost struct {
	lock  sync.Mutex
	files map[string]string
	// Requests for these files are never answered.
	silent map[string]bool
	// So many connections end before they are answered.
	resets int
	status int
}

func (h *fakeHost) dial() (net.Conn, error) {
	end, host := net.Pipe()
	h.lock.Lock()
	defer h.lock.Unlock()
	if h.resets > 0 {
		h.resets--
		_ = host.Close()
		return end, nil
	}
	go func() {
		defer host.Close()
		h.serve(host)
	}()
	return end, nil
}

func propertiesOf(name, content string, isFolder bool) string {
	kind := fmt.Sprintf("<D:getcontentlength>%d</D:getcontentlength>", len(content))
	if isFolder {
		kind = "<D:resourcetype><D:collection/></D:resourcetype>"
	}
	return "<D:response><D:href>" + name + "</D:href>" + kind + "</D:response>"
}

func (h *fakeHost) serve(host io.ReadWriter) {
	reader := newRequests(host)
	for {
		method, path, size, ok := reader.next()
		if !ok {
			return
		}
		body := reader.body(size)
		h.lock.Lock()
		status, answer := h.do(method, path, body)
		isSilent := h.silent[path]
		h.lock.Unlock()
		if isSilent {
			_, _ = io.Copy(io.Discard, host)
			return
		}
		_, _ = fmt.Fprintf(host, "HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s", status, len(answer), answer)
	}
}

func (h *fakeHost) do(method, path, body string) (int, string) {
	found, isThere := h.files[path]
	isFolder := path == "/" || path == "/w"
	switch {
	case h.status != 0 && method != "PROPFIND":
		return h.status, ""
	case method == "PUT":
		h.files[path] = body
		return 201, ""
	case !isThere && !isFolder:
		return 404, ""
	case method == "DELETE":
		delete(h.files, path)
		return 204, ""
	case method == "GET":
		return 206, found
	}
	list := propertiesOf(path, found, isFolder)
	if isFolder {
		for name, content := range h.files {
			list += propertiesOf(name, content, false)
		}
	}
	return 207, "<D:multistatus>" + strings.ReplaceAll(list, "\n", "") + "</D:multistatus>"
}
