package process

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

const (
	mostKept    = 1000
	longestKept = 32 * 1024
)

// kept are variables that a host has set for all programs. They last as long as kame-tools run.
var kept = struct {
	sync.Mutex
	values map[string]string
}{values: map[string]string{}}

var nameOfVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// SetVariable sets a variable of all programs that are run from now on; nil removes it.
func SetVariable(name string, value *string) error {
	if !nameOfVariable.MatchString(name) {
		return fmt.Errorf("%q is no name of a variable", name)
	}
	kept.Lock()
	defer kept.Unlock()
	if value == nil {
		delete(kept.values, name)
		return nil
	}
	if len(*value) > longestKept || strings.ContainsRune(*value, 0) {
		return fmt.Errorf("the value of a variable has at most %d bytes, without NUL", longestKept)
	}
	if _, known := kept.values[name]; !known && len(kept.values) >= mostKept {
		return errors.New("too many variables are set")
	}
	kept.values[name] = *value
	return nil
}

func addKept(variables map[string]string) {
	kept.Lock()
	defer kept.Unlock()
	for name, value := range kept.values {
		variables[name] = value
	}
}

// Variables are those of the programs of a user; of root, or the user of kame-tools, without a name.
func Variables(user string) (map[string]string, error) {
	asked := Command{User: user}
	found, err := userOf(asked)
	if err != nil {
		return nil, err
	}
	return environment(asked, found), nil
}
