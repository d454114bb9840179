package clipboard

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"kame-tools/session"
)

// Content is one form of what is on the clipboard, under all names that programs have for it.
type Content struct {
	Types []string
	Data  []byte
}

// Selection is the clipboard of a kind of desktop.
type Selection interface {
	// Protocol is the name of what it is reached by.
	Protocol() string
	// Types are the names under which it is offered by another program, and whether it was put there by Offer instead.
	Types() (types []string, ours bool)
	// Offer puts content there, until another program does.
	Offer(contents []Content) error
	// Receive asks the program that has it for content.
	Receive(name string) (io.ReadCloser, error)
}

// MaxBytes is the most of all content that the host can put on the clipboard.
const MaxBytes = 64 << 20

// Shared is a clipboard that the host can use.
type Shared struct {
	selection Selection
	lock      sync.Mutex
	// Held while content is put on the clipboard.
	writing sync.Mutex
	// What the host has put there last.
	own      []hostContent
	watchers map[chan struct{}]bool
}

// hostContent is content of the host, under the host's name.
type hostContent struct {
	name string
	data []byte
}

// State is what is on the clipboard.
type State struct {
	// Owner is `guest`, `host` or `none`.
	Owner string `json:"owner"`
	// Types are in the order of whoever has it.
	Types []string `json:"types"`
}

// NewShared makes a clipboard; the selection is set by Use.
func NewShared() *Shared { return &Shared{watchers: map[chan struct{}]bool{}} }

// Use sets the selection, which has begun to call Changed.
func (s *Shared) Use(selection Selection) { s.selection = selection }

// Changed tells those who watch. It does not wait for them.
func (s *Shared) Changed() {
	s.lock.Lock()
	defer s.lock.Unlock()
	for each := range s.watchers {
		select {
		case each <- struct{}{}:
		default:
		}
	}
}

func (s *Shared) state() State {
	types, ours := s.selection.Types()
	s.lock.Lock()
	defer s.lock.Unlock()
	if ours {
		state := State{"host", []string{}}
		for _, each := range s.own {
			state.Types = append(state.Types, each.name)
		}
		return state
	}
	known := typesFor(types)
	if len(known) == 0 {
		return State{"none", known}
	}
	return State{"guest", known}
}

// Services are what the host can ask for.
func (s *Shared) Services() session.Services {
	return session.Services{
		"clipboardWatch": session.Service(s.watch),
		"clipboardRead":  session.Service(s.read),
		"clipboardWrite": session.Service(s.write),
	}
}

// watch sends the state as a line, and again at each change, but not more often than the host takes it.
func (s *Shared) watch(_ []byte, exchange session.Exchange) error {
	changes := make(chan struct{}, 1)
	s.lock.Lock()
	s.watchers[changes] = true
	s.lock.Unlock()
	defer func() {
		s.lock.Lock()
		delete(s.watchers, changes)
		s.lock.Unlock()
	}()
	for {
		line, err := json.Marshal(s.state())
		if err != nil {
			return err
		}
		if _, err := exchange.Write(append(line, '\n')); err != nil {
			return err
		}
		select {
		case <-changes:
		case <-exchange.Closed():
			return nil
		}
	}
}

// read sends content of a type, as fast as the program that has it writes and the host takes it.
func (s *Shared) read(request []byte, exchange session.Exchange) error {
	var asked struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(request, &asked); err != nil {
		return &session.Failure{Code: "badRequest", Message: err.Error()}
	}
	types, ours := s.selection.Types()
	if ours {
		return s.readOwn(asked.Type, exchange)
	}
	source := sourceOf(asked.Type, types)
	if source == "" {
		return noSuchType(asked.Type)
	}
	content, err := s.selection.Receive(source)
	if err != nil {
		return err
	}
	defer content.Close()
	over := make(chan struct{})
	defer close(over)
	go func() {
		// Whoever has it may never write.
		select {
		case <-exchange.Closed():
			_ = content.Close()
		case <-over:
		}
	}()
	_, err = io.CopyBuffer(exchange, content, make([]byte, 256*1024))
	return err
}

func (s *Shared) readOwn(name string, exchange session.Exchange) error {
	s.lock.Lock()
	own := s.own
	s.lock.Unlock()
	for _, each := range own {
		if each.name == name {
			_, err := exchange.Write(each.data)
			return err
		}
	}
	return noSuchType(name)
}

func noSuchType(name string) error {
	return &session.Failure{Code: "noSuchType", Message: "the clipboard has no " + name}
}

type part struct {
	Type string `json:"type"`
	Size int    `json:"size"`
}

// write takes content and puts it on the clipboard.
func (s *Shared) write(request []byte, exchange session.Exchange) error {
	var asked struct {
		Contents []part `json:"contents"`
	}
	if err := json.Unmarshal(request, &asked); err != nil {
		return &session.Failure{Code: "badRequest", Message: err.Error()}
	}
	if err := check(asked.Contents); err != nil {
		return err
	}
	var contents []Content
	var own []hostContent
	for _, each := range asked.Contents {
		data := make([]byte, each.Size)
		if _, err := io.ReadFull(exchange, data); err != nil {
			return err
		}
		contents = append(contents, Content{offeredAs(each.Type, data), data})
		own = append(own, hostContent{each.Type, data})
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.lock.Lock()
	s.own = own
	s.lock.Unlock()
	return s.selection.Offer(contents)
}

func check(parts []part) error {
	const maxParts = 8
	if len(parts) == 0 || len(parts) > maxParts {
		return &session.Failure{Code: "badRequest", Message: fmt.Sprintf("%d contents are not from 1 to %d", len(parts), maxParts)}
	}
	total := 0
	for _, each := range parts {
		if !isFormat(each.Type) || each.Size < 0 || each.Size > MaxBytes {
			return &session.Failure{Code: "badRequest", Message: "a content has no type, or no size from 0 to 64 MiB"}
		}
		total += each.Size
	}
	if total > MaxBytes {
		return &session.Failure{Code: "tooLarge", Message: "the contents have more than 64 MiB"}
	}
	return nil
}
