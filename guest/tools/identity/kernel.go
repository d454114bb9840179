package identity

import (
	"os"
	"syscall"
	"time"

	"kame-tools/linux"
	"kame-tools/process"
)

// kernel is what only a real guest has; tests have one of their own.
type kernel interface {
	SetClock(ms int64) error
	Reseed() error
	SetHostName(name string) error
	// SetAddress gives a network interface a MAC address.
	SetAddress(name string, address string) error
	// DropIPv4 takes the IPv4 addresses of an interface away.
	DropIPv4(name string) error
	// Add and remove an IPv6 address of 16 bytes with the length of its prefix.
	AddIPv6(index int, address []byte, length int) error
	RemoveIPv6(index int, address []byte, length int) error
	Signal(pid int, number syscall.Signal) error
	// Run starts a program that goes on by itself; it fails when there is none of that name.
	Run(words ...string) error
}

type linuxKernel struct{}

func (linuxKernel) SetClock(ms int64) error {
	value := syscall.NsecToTimeval(ms * int64(time.Millisecond))
	return os.NewSyscallError("settimeofday", syscall.Settimeofday(&value))
}

func (linuxKernel) Reseed() error { return linux.ReseedRandom() }

func (linuxKernel) SetHostName(name string) error {
	return os.NewSyscallError("sethostname", syscall.Sethostname([]byte(name)))
}

func (linuxKernel) SetAddress(name string, address string) error {
	return linux.SetHardwareAddress(name, address)
}

func (linuxKernel) DropIPv4(name string) error { return linux.DropIPv4(name) }

func (linuxKernel) AddIPv6(index int, address []byte, length int) error {
	return linux.AddIPv6(index, address, length)
}

func (linuxKernel) RemoveIPv6(index int, address []byte, length int) error {
	return linux.RemoveIPv6(index, address, length)
}

func (linuxKernel) Signal(pid int, number syscall.Signal) error { return syscall.Kill(pid, number) }

func (linuxKernel) Run(words ...string) error {
	_, err := process.StartDetached(process.Command{Words: words})
	return err
}
