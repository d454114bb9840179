package shares

import (
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"kame-tools/fuse"
	"kame-tools/hgfs"
	"kame-tools/webdav"
)

// What programs have begun is given so much time when the mount ends.
const endPatience = 3 * time.Second

// ServeMount mounts the shared folders and serves them until the standard input ends or the process is told to end.
func ServeMount() error {
	dial := func() (net.Conn, error) { return net.Dial("unix", socket) }
	mount, err := fuse.MountAt(place)
	if err != nil {
		return err
	}
	server := hgfs.NewServer(hgfs.New(webdav.NewClient(dial)), mount.Device)
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	select {
	case err := <-served:
		// Without an error it was taken away already, and a successor may have its number by now.
		if err != nil {
			mount.Detach()
		}
		return err
	case <-told():
	}
	mount.Detach()
	finished := make(chan struct{})
	go func() {
		server.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-time.After(endPatience):
	}
	return nil
}

// told returns what is closed when the process is told to end.
func told() <-chan struct{} {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	over := make(chan struct{}, 2)
	go func() {
		<-signals
		over <- struct{}{}
	}()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		over <- struct{}{}
	}()
	return over
}
