// Package operate does what a host asks about the files and processes of the guest without starting a program for it.
package operate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"kame-tools/account"
	"kame-tools/identity"
)

// request is an operation with what it needs; each uses some of the fields.
type request struct {
	Operation string `json:"operation"`
	// Relative to the home directory of the user.
	Path      string  `json:"path"`
	To        string  `json:"to"`
	Recursive bool    `json:"recursive"`
	Replace   bool    `json:"replace"`
	Parents   bool    `json:"parents"`
	Directory bool    `json:"directory"`
	Follow    bool    `json:"follow"`
	Prefix    string  `json:"prefix"`
	Suffix    string  `json:"suffix"`
	PID       int     `json:"pid"`
	Signal    int     `json:"signal"`
	Name      string  `json:"name"`
	Value     *string `json:"value"`
	// Whose environment; other operations run in a process of that user.
	User string `json:"user"`
	// The names of a clone.
	identity.Names
	// The host keys of a clone.
	Keys []identity.Key `json:"keys"`
}

var operations = map[string]func(request) (any, error){
	"processes":      listProcesses,
	"kill":           kill,
	"list":           list,
	"stat":           stat,
	"makeDirectory":  makeDirectory,
	"remove":         remove,
	"rename":         rename,
	"makeTemporary":  makeTemporary,
	"accounts":       accounts,
	"environment":    environment,
	"setEnvironment": setEnvironment,
	"identity":       changeIdentity,
	"hostKeys":       placeHostKeys,
	"renewLeases":    renewLeases,
}

// reply is what the host gets; one of the two is there.
type reply struct {
	Result any      `json:"result,omitempty"`
	Failed *failure `json:"failed,omitempty"`
}

// failure is why an operation has failed.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// NeedsUser tells as which user a request must run; empty for the one of this process.
func NeedsUser(text []byte) string {
	var asked request
	if json.Unmarshal(text, &asked) != nil || asked.Operation == "environment" {
		return ""
	}
	return asked.User
}

// Run does what a request asks for, and returns the reply as JSON.
func Run(text []byte) []byte {
	result, err := run(text)
	answer := reply{Result: result}
	if err != nil {
		answer = reply{Failed: failureOf(err)}
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answer); err != nil {
		return []byte(`{"failed":{"code":"failed","message":"the reply cannot be written"}}`)
	}
	return buffer.Bytes()
}

func run(text []byte) (any, error) {
	var asked request
	if err := json.Unmarshal(text, &asked); err != nil {
		return nil, &failure{"badRequest", err.Error()}
	}
	operation, known := operations[asked.Operation]
	if !known {
		return nil, &failure{"unknownOperation", "these kame-tools do not know the operation " + asked.Operation}
	}
	return operation(asked)
}

func (f *failure) Error() string { return f.Message }

// codes are those of errors of the kernel that a host tells apart.
var codes = map[syscall.Errno]string{
	syscall.ENOENT:    "noSuchFile",
	syscall.EEXIST:    "exists",
	syscall.ENOTEMPTY: "notEmpty",
	syscall.ENOTDIR:   "notDirectory",
	syscall.EISDIR:    "isDirectory",
	syscall.EACCES:    "denied",
	syscall.EPERM:     "denied",
	syscall.EROFS:     "readOnly",
	syscall.ENOSPC:    "noSpace",
	syscall.EXDEV:     "otherFileSystem",
	syscall.ESRCH:     "noSuchProcess",
}

func failureOf(err error) *failure {
	var known *failure
	if errors.As(err, &known) {
		return known
	}
	const longest = 2000
	message := err.Error()
	if len(message) > longest {
		message = message[:longest]
	}
	var number syscall.Errno
	if errors.As(err, &number) && codes[number] != "" {
		return &failure{codes[number], message}
	}
	return &failure{"failed", message}
}

// absolute is a path with the home directory of this user before it, unless it is absolute.
func absolute(path string) (string, error) {
	if strings.ContainsRune(path, 0) {
		return "", &failure{"badRequest", "a path cannot contain a NUL character"}
	}
	if filepath.IsAbs(path) {
		return path, nil
	}
	home := os.Getenv("HOME")
	if current, err := account.Current(); err == nil && os.Getuid() == 0 {
		home = current.Home
	}
	if home == "" {
		home = "/"
	}
	return home + "/" + path, nil
}

// named is the path of something that can be made, removed or renamed: its last part is a name.
func named(path string) (string, error) {
	full, err := absolute(path)
	if err != nil {
		return "", err
	}
	full = strings.TrimRight(full, "/")
	switch filepath.Base(full) {
	case ".", "..", "/":
		return "", &failure{"badRequest", fmt.Sprintf("%q does not end with a name", path)}
	}
	if strings.Trim(path, "/") == "" {
		return "", &failure{"badRequest", fmt.Sprintf("%q does not end with a name", path)}
	}
	return full, nil
}
