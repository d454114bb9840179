// Package desktop is the part of kame-tools that runs in the session of a user.
package desktop

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"kame-tools/clipboard"
	"kame-tools/drop"
	"kame-tools/session"
	"kame-tools/wayland"
	"kame-tools/wire"
	"kame-tools/x11"
)

// SessionOption makes kame-tools serve the session in which they run, and nothing else.
const SessionOption = "--session"

const (
	// The service of the guest may be started later, or again after an update.
	firstDial   = 100 * time.Millisecond
	longestDial = 5 * time.Second
)

// display is what the helper has found in its session.
type display struct {
	info     session.Info
	services session.Services
	// Closed when the session has ended.
	ended <-chan struct{}
}

// Run serves the host for as long as the session lasts.
func Run(program string) error {
	found, err := open()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		fmt.Fprintln(os.Stderr, "kame-tools:", err)
		os.Exit(notAnswered)
	}
	if err != nil {
		return err
	}
	found.info.Version, found.info.Program = wire.Version, program
	found.info.Hostname, _ = os.Hostname()
	for wait := firstDial; ; {
		if connection, err := net.Dial("unix", socket); err == nil {
			wait = firstDial
			serve(connection, found)
			_ = connection.Close()
		} else if wait *= 2; wait > longestDial {
			wait = longestDial
		}
		select {
		case <-found.ended:
			return nil
		case <-time.After(wait):
		}
	}
}

func serve(connection net.Conn, found *display) {
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-found.ended:
			_ = connection.Close()
		case <-over:
		}
	}()
	_ = session.Serve(&relayPort{connection}, func() session.Info { return found.info }, found.services)
}

// relayPort is the connection to the service of the guest, in the place of a port.
type relayPort struct{ net.Conn }

func (p *relayPort) Interrupt() { _ = p.SetWriteDeadline(time.Unix(1, 0)) }
func (p *relayPort) Continue()  { _ = p.SetWriteDeadline(time.Time{}) }

// open finds the display of the session. A compositor without a protocol for the clipboard may still have an X server for older
// programs, through which it shares at least text.
func open() (*display, error) {
	found := &display{services: session.Services{}}
	shared := clipboard.NewShared()
	failed := found.useWayland(shared)
	if errors.Is(failed, os.ErrDeadlineExceeded) {
		return nil, failed
	}
	if found.info.Clipboard == "" {
		if err := found.useX11(shared); err != nil {
			failed = fmt.Errorf("%v; %w", failed, err)
		}
	}
	if len(found.services) == 0 {
		return nil, failed
	}
	found.services["drop"] = session.Service(drop.Service)
	for name := range found.services {
		found.info.Services = append(found.info.Services, name)
	}
	found.info.Services = append(found.info.Services, "info")
	return found, nil
}

func (d *display) useWayland(shared *clipboard.Shared) error {
	connection, err := wayland.Connect()
	if err != nil {
		return err
	}
	d.ended = connection.Ended()
	selection, err := wayland.NewClipboard(connection, shared.Changed)
	if err == nil {
		d.useClipboard(shared, selection)
	}
	if outputs, err := wayland.NewOutputs(connection); err == nil {
		d.info.Outputs = outputs.Protocol()
		d.services["display"] = session.Service(displayService(outputs))
	}
	return err
}

func (d *display) useX11(shared *clipboard.Shared) error {
	selection, err := x11.Open(shared.Changed)
	if err != nil {
		return err
	}
	d.useClipboard(shared, selection)
	// Of a Wayland session, the X server may end before the session does, and be started again.
	if d.ended == nil || d.info.Outputs == "" {
		d.ended = selection.Ended()
	}
	return nil
}

func (d *display) useClipboard(shared *clipboard.Shared, selection clipboard.Selection) {
	shared.Use(selection)
	d.info.Clipboard = selection.Protocol()
	for name, each := range shared.Services() {
		d.services[name] = each
	}
}

// displayService changes the size of the display, and tells the one that it then has.
func displayService(outputs *wayland.Outputs) func([]byte, session.Exchange) error {
	return func(request []byte, exchange session.Exchange) error {
		var asked struct {
			Width  uint32 `json:"width"`
			Height uint32 `json:"height"`
		}
		const largest = 1 << 15
		if err := json.Unmarshal(request, &asked); err != nil || asked.Width-1 >= largest || asked.Height-1 >= largest {
			return &session.Failure{Code: "badRequest", Message: "a size must be from 1x1 to 32768x32768"}
		}
		if err := outputs.Resize(asked.Width, asked.Height); err != nil {
			return err
		}
		width, height := outputs.Size()
		return json.NewEncoder(exchange).Encode(map[string]any{"result": map[string]uint32{"width": width, "height": height}})
	}
}
