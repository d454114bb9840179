package shares

import (
	"net"
	"os"
	"time"

	"kame-tools/port"
)

const (
	portName = "org.spice-space.webdav.0"
	// The address of spice-webdavd.
	address = "127.0.0.1:9843"
	// At the start of a guest the port and the loopback interface come soon; later it is looked for them, and whether another
	// program has left the port, now and then.
	firstLook   = 100 * time.Millisecond
	longestLook = 10 * time.Second
)

// Where distributions have spice-webdavd. A port has one user, and who has installed that program wants it to be the one.
var others = []string{"/usr/sbin/spice-webdavd", "/usr/bin/spice-webdavd", "/usr/libexec/spice-webdavd"}

// Run serves the shared folders for as long as the program runs, unless spice-webdavd does.
func Run() {
	for wait := firstLook; ; wait *= 2 {
		if !otherServes() {
			_ = serve()
		}
		if wait > longestLook {
			wait = longestLook
		}
		time.Sleep(wait)
	}
}

func otherServes() bool {
	for _, path := range others {
		if _, err := os.Stat(path); err == nil {
			return true
		}
	}
	return false
}

// serve returns when the port is missing, in use, or fails.
func serve() error {
	device, err := port.Find(portName)
	if err != nil {
		return err
	}
	opened, err := port.Open(device)
	if err != nil {
		return err
	}
	defer opened.Close()
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		return err
	}
	defer listener.Close()
	relay := newRelay(hostPort{opened})
	go accept(listener, relay)
	// Shared folders without a mount are better than none.
	if mounter, err := newMounter(relay); err == nil {
		defer mounter.end()
		go mounter.keep()
	}
	return relay.fromHost()
}

func accept(listener net.Listener, relay *relay) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go relay.fromGuest(connection)
	}
}

// hostPort is the port with a limit for the time that a frame waits for the host.
type hostPort struct{ *port.Port }

func (h hostPort) Send(frame []byte) error {
	return h.WriteWithin(frame, sendPatience)
}

// A host that is busy takes its time.
const sendPatience = 20 * time.Second
