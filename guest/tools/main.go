// kame-tools serves the host of a virtual machine over its port org.kame.tools.0. docs/tools-protocol.md describes how.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"kame-tools/desktop"
	"kame-tools/guestinfo"
	"kame-tools/operate"
	"kame-tools/port"
	"kame-tools/session"
	"kame-tools/shares"
	"kame-tools/wire"
)

// version is that of the package, set when the program is built.
var version = "unknown"

const portName = "org.kame.tools.0"

// A driver may announce the port after the service has begun; a machine without it gets it only by a start.
const (
	firstLook   = 50 * time.Millisecond
	longestLook = 5 * time.Second
)

// heed undoes that signals are ignored, as a shell does for its background programs: the commands that are run here would
// ignore them too. A signal that is caught has its usual effect in a new program.
func heed() {
	const last = 31
	for number := syscall.Signal(1); number <= last; number++ {
		if signal.Ignored(number) {
			signal.Notify(make(chan os.Signal, 1), number)
		}
	}
}

// settle makes one processor enough. Under emulation the threads of another one, and the signals that share out their time,
// cost more than they do: each guest that goes on from a copied memory has their code translated anew.
func settle() {
	runtime.GOMAXPROCS(1)
	// Whoever starts these tools may say how they share their time out, which is not meant for what they start.
	_ = os.Unsetenv("GODEBUG")
}

func main() {
	settle()
	heed()
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println(version)
		return
	}
	if len(os.Args) == 3 && os.Args[1] == session.OperateOption {
		_, _ = os.Stdout.Write(operate.Run([]byte(os.Args[2])))
		return
	}
	if len(os.Args) == 2 && os.Args[1] == shares.MountOption {
		exitWith(shares.ServeMount())
		return
	}
	if len(os.Args) == 2 && os.Args[1] == desktop.SessionOption {
		exitWith(desktop.Supervise())
		return
	}
	if len(os.Args) == 2 && os.Args[1] == desktop.WorkerOption {
		exitWith(desktop.Run(version))
		return
	}
	if known, err := guestinfo.Command(os.Args[1:], os.Stdout); known {
		exitWith(err)
		return
	}
	if len(os.Args) != 1 {
		fmt.Fprintln(os.Stderr, "usage: kame-tools [--version | --session | "+guestinfo.Usage+"]")
		os.Exit(2)
	}
	exitWith(serve())
}

func exitWith(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "kame-tools:", err)
		os.Exit(1)
	}
}

func serve() error {
	go shares.Prepare()
	go shares.Run()
	go func() { _ = desktop.Relay() }()
	variables := guestinfo.NewBroker()
	go func() { _ = variables.Serve() }()
	device, err := waitForPort()
	if err != nil {
		return err
	}
	opened, err := port.Open(device)
	if err != nil {
		return err
	}
	services := session.Services{"guestinfo": session.Service(variables.Service)}
	for name, each := range session.System {
		services[name] = each
	}
	return session.Serve(opened, info, services)
}

func waitForPort() (string, error) {
	for wait := firstLook; ; wait *= 2 {
		device, err := port.Find(portName)
		if !errors.Is(err, fs.ErrNotExist) {
			return device, err
		}
		if wait > longestLook {
			wait = longestLook
		}
		time.Sleep(wait)
	}
}

func info() session.Info {
	name, _ := os.Hostname()
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return session.Info{
		Version:  wire.Version,
		Program:  version,
		Hostname: name,
		BootID:   strings.TrimSpace(string(boot)),
		Services: []string{"info", "exec", "operate", "guestinfo"},
		SharesAt: shares.Place(),
	}
}
