package session

import (
	"encoding/json"

	"kame-tools/operate"
	"kame-tools/process"
	"kame-tools/wire"
)

// OperateOption makes kame-tools do one request, the next argument, as the user that they are, and print the reply.
const OperateOption = "--operate"

// detach starts a program that nobody waits for.
func (c *connection) detach(id uint32, command process.Command) error {
	pid, err := process.StartDetached(command)
	if err != nil {
		return c.refuse(id, "failed", err.Error())
	}
	code := 0
	text, err := json.Marshal(result{ExitCode: &code, PID: &pid})
	if err != nil {
		return err
	}
	if err := c.send(wire.Started, id); err != nil {
		return err
	}
	return c.send(wire.Done, id, text)
}

// operate does an operation here, or as another user in a process of that user. Either way its reply is standard output.
func (c *connection) operate(id uint32, text []byte) error {
	if user := operate.NeedsUser(text); user != "" {
		// The program that runs, even if an update has taken the place of its file.
		const program = "/proc/self/exe"
		return c.exec(id, process.Command{Words: []string{program, OperateOption, string(text)}, User: user})
	}
	opened := c.add(id)
	if opened == nil {
		return c.refuse(id, "busy", tooMany)
	}
	if err := c.send(wire.Started, id); err != nil {
		return err
	}
	// A file system can make it wait, which must not hold up other streams.
	go opened.answer(text)
	return nil
}

// answer sends the reply to a request, as far as the host has room for it.
func (s *stream) answer(text []byte) {
	_, _ = s.Write(operate.Run(text))
	s.finish(nil)
}
