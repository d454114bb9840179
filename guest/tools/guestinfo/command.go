package guestinfo

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Usage has the forms of the command line.
const Usage = "guestinfo get KEY | guestinfo set KEY VALUE | rpctool 'info-get KEY' | rpctool 'info-set KEY VALUE'"

// prefix is what the names of these variables begin with, which may be left out.
const prefix = "guestinfo."

// In the words of vmware-rpctool. Like it, kame-tools then end with 1.
var errNoValue = errors.New("No value found")

var errUsage = errors.New("usage: kame-tools " + Usage)

// Command does what a command line asks for; known is whether it is for this package.
func Command(words []string, output io.Writer) (known bool, err error) {
	if len(words) == 0 {
		return false, nil
	}
	switch words[0] {
	case "guestinfo":
		asked, err := fromWords(words[1:])
		return true, run(asked, err, output)
	case "rpctool":
		asked, err := fromLine(words[1:])
		return true, run(asked, err, output)
	}
	return false, nil
}

func run(asked request, err error, output io.Writer) error {
	if err != nil {
		return err
	}
	told, err := send(asked)
	if err != nil || asked.Operation == "set" {
		return err
	}
	if told.Value == nil {
		return errNoValue
	}
	_, err = fmt.Fprintln(output, *told.Value)
	return err
}

func fromWords(words []string) (request, error) {
	switch {
	case len(words) == 2 && words[0] == "get":
		return request{Operation: "get", Key: whole(words[1])}, nil
	case len(words) == 3 && words[0] == "set":
		return request{Operation: "set", Key: whole(words[1]), Value: words[2]}, nil
	}
	return request{}, errUsage
}

// fromLine reads a request as VMware's programs take it: one text, whose value is all after the name.
func fromLine(words []string) (request, error) {
	if len(words) != 1 {
		return request{}, errUsage
	}
	command, rest, _ := strings.Cut(words[0], " ")
	key, value, hasValue := strings.Cut(rest, " ")
	switch {
	case command == "info-get" && key != "" && !hasValue:
		return request{Operation: "get", Key: key}, nil
	case command == "info-set" && key != "":
		return request{Operation: "set", Key: key, Value: value}, nil
	}
	return request{}, errUsage
}

func whole(key string) string {
	if len(key) > len(prefix) && strings.EqualFold(key[:len(prefix)], prefix) {
		return key
	}
	return prefix + key
}
