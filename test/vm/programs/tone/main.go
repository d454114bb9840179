// tone plays a sine of 440 Hz for two seconds on the first sound card, by the OSS interface of the kernel.
package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"syscall"
	"unsafe"
)

const (
	rate        = 44100
	hertz       = 440
	seconds     = 2
	loudness    = 12000
	fullBoth    = 100 | 100<<8
	signed16    = 0x10
	setSpeed    = 0xc0045002
	setFormat   = 0xc0045005
	setChannels = 0xc0045006
	sync        = 0x5001
	setVolume   = 0xc0044d00
	setPCM      = 0xc0044d04
)

func control(file *os.File, request uintptr, value int32) {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), request, uintptr(unsafe.Pointer(&value)))
	if errno != 0 {
		fail(fmt.Errorf("%s, request %#x: %w", file.Name(), request, errno))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func open(path string) *os.File {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		fail(err)
	}
	return file
}

func main() {
	mixer := open("/dev/mixer")
	control(mixer, setVolume, fullBoth)
	control(mixer, setPCM, fullBoth)
	card := open("/dev/dsp")
	control(card, setFormat, signed16)
	control(card, setChannels, 2)
	control(card, setSpeed, rate)
	frames := make([]byte, 4*rate*seconds)
	for i := 0; i < rate*seconds; i++ {
		sample := uint16(int16(loudness * math.Sin(2*math.Pi*hertz*float64(i)/rate)))
		binary.LittleEndian.PutUint16(frames[4*i:], sample)
		binary.LittleEndian.PutUint16(frames[4*i+2:], sample)
	}
	if _, err := card.Write(frames); err != nil {
		fail(err)
	}
	control(card, sync, 0)
}
