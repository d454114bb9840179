package hgfs

import (
	"bytes"
	"errors"
	"net"
	"syscall"
	"testing"

	"kame-tools/fuse"
)

func lookup(k *kernel, node uint64, name string) uint64 {
	k.t.Helper()
	return first64(k.must(fuse.Lookup, node, content(name)))
}

func start(t *testing.T) (*kernel, *fakeHost, uint64) {
	t.Helper()
	host := &fakeHost{files: map[string]string{"/w/f": "0123456789"}, silent: map[string]bool{}}
	k := startKernel(t, host.dial)
	return k, host, lookup(k, fuse.Root, "w")
}

func TestAgreesOnAVersion(t *testing.T) {
	k, _, _ := start(t)
	answer := k.must(fuse.Init, 0, content(uint32(7), uint32(38), uint32(1<<17), ^uint32(0)))
	if len(answer) != 64 || answer[0] != 7 || answer[4] != 31 {
		t.Fatal(answer)
	}
	if answer := k.must(fuse.Init, 0, content(uint32(8), uint32(0), uint32(0), uint32(0))); len(answer) != 8 {
		t.Fatal(answer)
	}
	if _, number := k.ask(fuse.Init, 0, content(uint32(7), uint32(8), uint32(0), uint32(0))); number != syscall.EPROTO {
		t.Fatal(number)
	}
	if err := <-k.ended; !errors.Is(err, fuse.ErrOldKernel) {
		t.Fatal(err)
	}
}

func TestEndsAtAFrameOfAnotherLength(t *testing.T) {
	for _, frame := range [][]byte{make([]byte, 12), make([]byte, 48)} {
		k, _, _ := start(t)
		if _, err := k.device.Write(frame); err != nil {
			t.Fatal(err)
		}
		if err := <-k.ended; !errors.Is(err, fuse.ErrMalformed) {
			t.Fatal(err)
		}
	}
}

func TestRefusesWhatIsMalformed(t *testing.T) {
	k, _, w := start(t)
	for _, each := range []struct {
		opcode fuse.Opcode
		node   uint64
		body   []byte
		want   syscall.Errno
	}{
		{fuse.Lookup, w, nil, syscall.EINVAL},
		{fuse.Lookup, w, []byte("unended"), syscall.EINVAL},
		{fuse.Lookup, w, content("a/b"), syscall.EINVAL},
		{fuse.Lookup, 99, content("f"), syscall.ESTALE},
		{fuse.Write, w, content(uint64(1), uint64(0), uint32(100), []byte("short")), syscall.EINVAL},
		{fuse.Read, w, content(uint64(9), uint64(0), uint32(10)), syscall.EBADF},
		{fuse.Read, w, content(uint64(9), uint64(0), ^uint32(0)), syscall.EINVAL},
		{fuse.SetAttr, w, content(uint32(8)), syscall.EINVAL},
		{fuse.Rename, w, content(uint64(77), "a", "b"), syscall.EINVAL},
		{fuse.SymLink, w, content("a", "b"), syscall.EPERM},
		{fuse.Opcode(22), w, nil, syscall.ENOSYS},
	} {
		if _, number := k.ask(each.opcode, each.node, each.body); number != each.want {
			t.Errorf("%d: %v, not %v", each.opcode, number, each.want)
		}
	}
}

func openFile(k *kernel, node uint64, flags int) uint64 {
	k.t.Helper()
	return first64(k.must(fuse.Open, node, content(uint32(flags), uint32(0))))
}

func TestReadsAndWritesAFile(t *testing.T) {
	k, host, w := start(t)
	f := lookup(k, w, "f")
	handle := openFile(k, f, syscall.O_RDWR)
	if got := k.must(fuse.Read, f, content(handle, uint64(0), uint32(4096))); string(got) != "0123456789" {
		t.Fatalf("%q", got)
	}
	k.must(fuse.Write, f, content(handle, uint64(8), uint32(4), make([]byte, 20), []byte("abcd")))
	if got := k.must(fuse.Read, f, content(handle, uint64(6), uint32(4096))); string(got) != "67abcd" {
		t.Fatalf("%q", got)
	}
	host.lock.Lock()
	host.status = 507
	host.lock.Unlock()
	if _, number := k.ask(fuse.Flush, f, content(handle)); number != syscall.ENOSPC {
		t.Fatal(number)
	}
	host.lock.Lock()
	host.status = 0
	host.lock.Unlock()
	k.must(fuse.Release, f, content(handle))
	host.lock.Lock()
	defer host.lock.Unlock()
	if host.files["/w/f"] != "01234567abcd" {
		t.Fatalf("%q", host.files["/w/f"])
	}
}

func TestGoesOnAfterTheConnectionIsReset(t *testing.T) {
	k, host, w := start(t)
	host.lock.Lock()
	host.resets = 2
	host.lock.Unlock()
	lookup(k, w, "f")
}

func TestAnInterruptedRequestEndsAndDoesNotHoldUpOthers(t *testing.T) {
	k, host, w := start(t)
	f := lookup(k, w, "f")
	handle := openFile(k, f, syscall.O_RDONLY)
	host.lock.Lock()
	host.silent["/w/f"] = true
	host.lock.Unlock()
	blocked := k.send(fuse.Read, f, content(handle, uint64(0), uint32(4096)))
	k.must(fuse.OpenDir, w, content(uint32(0), uint32(0)))
	k.send(fuse.Interrupt, 0, content(blocked))
	if unique, _, number := k.receive(); unique != blocked || number != syscall.EINTR {
		t.Fatal(unique, number)
	}
}

func TestListsAFolderAndForgetsIt(t *testing.T) {
	k, _, w := start(t)
	handle := first64(k.must(fuse.OpenDir, w, content(uint32(0), uint32(0))))
	got := k.must(fuse.ReadDirPlus, w, content(handle, uint64(0), uint32(4096)))
	const three = 3 * (128 + 32)
	if len(got) != three || !bytes.Contains(got, []byte("f\x00")) {
		t.Fatalf("%q", got)
	}
	if got := k.must(fuse.ReadDir, w, content(handle, uint64(1), uint32(32))); len(got) != 32 {
		t.Fatalf("%q", got)
	}
	f := first64(got[2*(128+32):])
	k.send(fuse.BatchForget, 0, content(uint32(1), uint32(0), f, uint64(1)))
	if _, number := k.ask(fuse.GetAttr, f, content(uint32(0), uint32(0), uint64(0))); number != syscall.ESTALE {
		t.Fatal(number)
	}
}

func TestRemovesAFileThatIsOpen(t *testing.T) {
	k, host, w := start(t)
	f := lookup(k, w, "f")
	handle := openFile(k, f, syscall.O_WRONLY|syscall.O_TRUNC)
	k.must(fuse.Unlink, w, content("f"))
	k.must(fuse.Release, f, content(handle))
	host.lock.Lock()
	defer host.lock.Unlock()
	if len(host.files) != 0 {
		t.Fatal("what was removed is there again")
	}
}

func TestHasNoSharesWithoutAHost(t *testing.T) {
	k := startKernel(t, func() (net.Conn, error) { return nil, syscall.ECONNREFUSED })
	handle := first64(k.must(fuse.OpenDir, fuse.Root, content(uint32(0), uint32(0))))
	if got := k.must(fuse.ReadDir, fuse.Root, content(handle, uint64(2), uint32(4096))); len(got) != 0 {
		t.Fatalf("%q", got)
	}
	if _, number := k.ask(fuse.Lookup, fuse.Root, content("w")); number != syscall.ENOENT {
		t.Fatal(number)
	}
}
