package process

import (
	"os/exec"
	"strconv"

	"kame-tools/linux"
)

// Script is a text that the command reads as a file, whose path follows the words of the command.
type Script struct {
	Text string `json:"text"`
	// What follows the path.
	Arguments []string `json:"arguments"`
}

// firstExtra is the number that the first of the extra files of a command has in it.
const firstExtra = 3

// addTo gives a command the script. It is never in a file system of the guest.
func (s *Script) addTo(command *exec.Cmd) error {
	file, err := linux.Memory("kame-script", []byte(s.Text))
	if err != nil {
		return err
	}
	number := firstExtra + len(command.ExtraFiles)
	command.ExtraFiles = append(command.ExtraFiles, file)
	words := append(append([]string{}, command.Args...), "/proc/self/fd/"+strconv.Itoa(number))
	command.Args = append(words, s.Arguments...)
	return nil
}
