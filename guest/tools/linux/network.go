package linux

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"syscall"
	"unsafe"
)

// order is that of both kinds of processors that there are guests with.
var order = binary.LittleEndian

// Numbers of linux/sockios.h and of linux/random.h.
const (
	getFlags      = 0x8913
	setFlags      = 0x8914
	getAddress    = 0x8915
	setAddress    = 0x8916
	setHardware   = 0x8924
	removeAddress = 0x8936
	reseedRandom  = 0x5207
)

// interfaceRequest is struct ifreq of linux/if.h: a name, and then what the request is about.
type interfaceRequest struct {
	name  [16]byte
	value [24]byte
}

func requestFor(name string) (*interfaceRequest, error) {
	var request interfaceRequest
	if len(name) >= len(request.name) {
		return nil, errors.New("the name of the interface is too long")
	}
	copy(request.name[:], name)
	return &request, nil
}

// withSocket does something with a socket of a family that stands for the network.
func withSocket(family int, do func(fd uintptr) error) error {
	fd, err := syscall.Socket(family, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer syscall.Close(fd)
	return do(uintptr(fd))
}

// SetHardwareAddress gives a network interface a MAC address. Most cards take it while they are up; bringing one down loses
// its routes.
func SetHardwareAddress(name string, address string) error {
	bytes, err := hex.DecodeString(strings.ReplaceAll(address, ":", ""))
	if err != nil {
		return err
	}
	request, err := requestFor(name)
	if err != nil {
		return err
	}
	const ethernet = 1
	order.PutUint16(request.value[:], ethernet)
	copy(request.value[2:], bytes)
	return withSocket(syscall.AF_INET, func(fd uintptr) error {
		err := Control(fd, setHardware, unsafe.Pointer(request))
		if !errors.Is(err, syscall.EBUSY) {
			return os.NewSyscallError("SIOCSIFHWADDR", err)
		}
		return whileDown(fd, name, func() error {
			return os.NewSyscallError("SIOCSIFHWADDR", Control(fd, setHardware, unsafe.Pointer(request)))
		})
	})
}

// whileDown does something while an interface is down.
func whileDown(fd uintptr, name string, do func() error) error {
	request, err := requestFor(name)
	if err != nil {
		return err
	}
	if err := Control(fd, getFlags, unsafe.Pointer(request)); err != nil {
		return os.NewSyscallError("SIOCGIFFLAGS", err)
	}
	flags := order.Uint16(request.value[:])
	order.PutUint16(request.value[:], flags&^syscall.IFF_UP)
	if err := Control(fd, setFlags, unsafe.Pointer(request)); err != nil {
		return os.NewSyscallError("SIOCSIFFLAGS", err)
	}
	err = do()
	order.PutUint16(request.value[:], flags|syscall.IFF_UP)
	if up := Control(fd, setFlags, unsafe.Pointer(request)); err == nil {
		err = os.NewSyscallError("SIOCSIFFLAGS", up)
	}
	return err
}

// DropIPv4 takes the IPv4 addresses of an interface away: to set 0.0.0.0 removes the first one; see devinet.c.
func DropIPv4(name string) error {
	const most = 64
	return withSocket(syscall.AF_INET, func(fd uintptr) error {
		for count := 0; count < most; count++ {
			request, err := requestFor(name)
			if err != nil {
				return err
			}
			order.PutUint16(request.value[:], syscall.AF_INET)
			if err := Control(fd, getAddress, unsafe.Pointer(request)); err != nil {
				// It has none.
				return nil
			}
			request.value = [24]byte{}
			order.PutUint16(request.value[:], syscall.AF_INET)
			if err := Control(fd, setAddress, unsafe.Pointer(request)); err != nil {
				return os.NewSyscallError("SIOCSIFADDR", err)
			}
		}
		return errors.New("it has too many addresses")
	})
}

// addressRequest is struct in6_ifreq of linux/ipv6.h.
type addressRequest struct {
	address [16]byte
	length  uint32
	index   int32
}

func changeIPv6(what string, number uintptr, index int, address []byte, length int) error {
	request := addressRequest{length: uint32(length), index: int32(index)}
	copy(request.address[:], address)
	return withSocket(syscall.AF_INET6, func(fd uintptr) error {
		return os.NewSyscallError(what, Control(fd, number, unsafe.Pointer(&request)))
	})
}

// AddIPv6 gives an interface an address with the length of its prefix.
func AddIPv6(index int, address []byte, length int) error {
	return changeIPv6("SIOCSIFADDR", setAddress, index, address, length)
}

// RemoveIPv6 takes an address away from an interface.
func RemoveIPv6(index int, address []byte, length int) error {
	return changeIPv6("SIOCDIFADDR", removeAddress, index, address, length)
}

// ReseedRandom has the kernel take what was written to /dev/urandom into account now, and not within a minute.
func ReseedRandom() error {
	file, err := os.OpenFile("/dev/urandom", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	return os.NewSyscallError("RNDRESEEDCRNG", Control(file.Fd(), reseedRandom, nil))
}
