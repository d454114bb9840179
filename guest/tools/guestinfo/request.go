package guestinfo

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"time"
)

// request asks for the value of a variable, or sets it.
type request struct {
	Operation string `json:"operation"`
	Key       string `json:"key"`
	Value     string `json:"value"`
}

// reply has the value of a variable, nothing if it has none, or why the host refuses.
type reply struct {
	Value  *string `json:"value,omitempty"`
	Failed string  `json:"failed,omitempty"`
}

func failed(message string) reply { return reply{Failed: message} }

// send passes a request to the service of the guest.
func send(asked request) (reply, error) {
	connection, err := net.Dial("unix", socket)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return reply{}, errors.New("only root may use these variables")
	case err != nil:
		return reply{}, fmt.Errorf("the service kame-tools of this guest does not run: %w", err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(3 * patience))
	if err := json.NewEncoder(connection).Encode(asked); err != nil {
		return reply{}, err
	}
	lines := bufio.NewScanner(connection)
	lines.Buffer(nil, maxLine)
	if !lines.Scan() {
		return reply{}, errors.New("the service kame-tools of this guest has ended")
	}
	var told reply
	if err := json.Unmarshal(lines.Bytes(), &told); err != nil {
		return reply{}, err
	}
	if told.Failed != "" {
		return reply{}, errors.New(told.Failed)
	}
	return told, nil
}
