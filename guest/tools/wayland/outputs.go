package wayland

import (
	"errors"
	"sync"
	"time"
)

// https://wayland.app/protocols/wlr-output-management-unstable-v1
const outputManagement = "zwlr_output_manager_v1"

// How long a compositor may take for another size.
const resizePatience = 10 * time.Second

type mode struct{ width, height uint32 }

type head struct {
	id      uint32
	enabled bool
	// The mode that it has.
	mode uint32
}

// Outputs are the displays of a compositor.
type Outputs struct {
	connection *Connection
	manager    uint32
	serial     uint32
	heads      []*head
	modes      map[uint32]*mode
	// One change at a time.
	changing sync.Mutex
}

// NewOutputs fails if the compositor has no protocol for its outputs.
func NewOutputs(connection *Connection) (*Outputs, error) {
	o := &Outputs{connection: connection, modes: map[uint32]*mode{}}
	connection.lock.Lock()
	o.manager = connection.bind(outputManagement, 1, o.onManager)
	connection.lock.Unlock()
	if o.manager == 0 {
		return nil, errors.New("the compositor has no output management")
	}
	return o, connection.Sync()
}

// Protocol is the name of the protocol by which the outputs are reached.
func (o *Outputs) Protocol() string { return outputManagement }

// Size is that of the first output that is on, in pixels.
func (o *Outputs) Size() (width uint32, height uint32) {
	o.connection.lock.Lock()
	defer o.connection.lock.Unlock()
	if first := o.first(); first != nil {
		if has := o.modes[first.mode]; has != nil {
			return has.width, has.height
		}
	}
	return 0, 0
}

func (o *Outputs) first() *head {
	for _, each := range o.heads {
		if each.enabled {
			return each
		}
	}
	return nil
}

// Resize gives the first output another size, and leaves the others as they are.
func (o *Outputs) Resize(width uint32, height uint32) error {
	o.changing.Lock()
	defer o.changing.Unlock()
	const attempts = 3
	for attempt := 1; ; attempt++ {
		outcome, err := o.apply(width, height)
		if err != nil {
			return err
		}
		switch {
		case outcome == 0:
			return o.connection.Sync()
		case outcome == 1:
			return errors.New("the compositor refused the size")
		case attempt == attempts:
			return errors.New("the outputs change all the time")
		}
		// Another change came first, and the compositor has told of it.
		if err := o.connection.Sync(); err != nil {
			return err
		}
	}
}

// apply asks for the size. The outcome is 0 for done, 1 for refused, and 2 for out of date.
func (o *Outputs) apply(width uint32, height uint32) (outcome uint16, err error) {
	c := o.connection
	result := make(chan uint16, 1)
	c.lock.Lock()
	chosen := o.first()
	if chosen == nil {
		c.lock.Unlock()
		return 0, errors.New("no output is on")
	}
	configuration := c.add(func(opcode uint16, _ *arguments) {
		select {
		case result <- opcode:
		default:
		}
	})
	c.send(o.manager, 0, newMessage().number(configuration).number(o.serial))
	for _, each := range o.heads {
		if !each.enabled {
			c.send(configuration, 1, newMessage().number(each.id))
			continue
		}
		its := c.add(nil)
		c.send(configuration, 0, newMessage().number(its).number(each.id))
		if each == chosen {
			// Of any refresh rate.
			c.send(its, 1, newMessage().number(width).number(height).number(0))
		}
	}
	c.send(configuration, 2, newMessage())
	c.lock.Unlock()
	select {
	case outcome = <-result:
	case <-c.ended:
		return 0, c.failure
	case <-time.After(resizePatience):
		err = errors.New("the compositor does not answer")
	}
	c.lock.Lock()
	c.send(configuration, 4, newMessage())
	c.objects[configuration] = nil
	c.lock.Unlock()
	return outcome, err
}

func (o *Outputs) onManager(opcode uint16, args *arguments) {
	const maxHeads = 64
	switch opcode {
	case 0:
		made := &head{id: args.number()}
		if len(o.heads) >= maxHeads {
			o.connection.fail(errMalformed)
			return
		}
		o.heads = append(o.heads, made)
		o.connection.objects[made.id] = func(opcode uint16, args *arguments) { o.onHead(made, opcode, args) }
	case 1:
		o.serial = args.number()
	}
}

func (o *Outputs) onHead(of *head, opcode uint16, args *arguments) {
	const maxModes = 4096
	switch opcode {
	case 3:
		id, made := args.number(), &mode{}
		if len(o.modes) >= maxModes {
			o.connection.fail(errMalformed)
			return
		}
		o.modes[id] = made
		o.connection.objects[id] = func(opcode uint16, args *arguments) {
			switch opcode {
			case 0:
				made.width, made.height = args.number(), args.number()
			case 3:
				delete(o.modes, id)
				delete(o.connection.objects, id)
			}
		}
	case 4:
		of.enabled = args.number() != 0
	case 5:
		of.mode = args.number()
	case 9:
		for at, each := range o.heads {
			if each == of {
				o.heads = append(o.heads[:at], o.heads[at+1:]...)
				break
			}
		}
		delete(o.connection.objects, of.id)
	}
}
