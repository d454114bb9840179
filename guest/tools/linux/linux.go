// Package linux has system calls that the standard library does not have.
package linux

import (
	"os"
	"syscall"
	"unsafe"
)

// Memory makes a file that is in no file system, with that content. Its users open it anew by its number in /proc/self/fd.
func Memory(name string, content []byte) (*os.File, error) {
	text, err := syscall.BytePtrFromString(name)
	if err != nil {
		return nil, err
	}
	const closeOnExec = 1
	fd, _, failed := syscall.Syscall(numberMemfdCreate, uintptr(unsafe.Pointer(text)), closeOnExec, 0)
	if failed != 0 {
		return nil, os.NewSyscallError("memfd_create", failed)
	}
	file := os.NewFile(fd, name)
	if _, err := file.Write(content); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// Control asks something of an open file, as ioctl(2) does.
func Control(fd uintptr, request uintptr, argument unsafe.Pointer) error {
	if _, _, failed := syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(argument)); failed != 0 {
		return failed
	}
	return nil
}

// HungUp tells whether nothing is at the other end of an open file, as poll(2) does.
func HungUp(fd uintptr) bool {
	const hangUp = 0x10
	asked := struct {
		fd     int32
		events int16
		found  int16
	}{fd: int32(fd)}
	var noTime syscall.Timespec
	_, _, failed := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&asked)), 1,
		uintptr(unsafe.Pointer(&noTime)), 0, 0, 0)
	return failed == 0 && asked.found&hangUp != 0
}

// RenameNew renames a file, and fails if the new name exists; see renameat2(2).
func RenameNew(from string, to string) error {
	source, err := syscall.BytePtrFromString(from)
	if err != nil {
		return err
	}
	target, err := syscall.BytePtrFromString(to)
	if err != nil {
		return err
	}
	const here, noReplace = -100, 1
	place := here
	_, _, failed := syscall.Syscall6(numberRenameat2, uintptr(place), uintptr(unsafe.Pointer(source)),
		uintptr(place), uintptr(unsafe.Pointer(target)), noReplace, 0)
	if failed != 0 {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: failed}
	}
	return nil
}
