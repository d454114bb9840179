package webdav

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	maxHeaderLines = 64
	// So much of an answer that nobody wants is read, so that the connection can be used again.
	maxDiscarded = 64 * 1024
)

var errMalformed = errors.New("the answer of the host is malformed")

// response is an answer of the host; its content is read from it.
type response struct {
	status   int
	tag      string
	readOnly bool
	closes   bool

	from    *bufio.Reader
	chunked bool
	// Of the content, or of the present chunk of it.
	left int64
	// Whether nothing follows what is left.
	last bool
}

func readLine(from *bufio.Reader) (string, error) {
	line, err := from.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}

func readResponse(from *bufio.Reader) (*response, error) {
	line, err := readLine(from)
	if err != nil {
		return nil, err
	}
	words := strings.SplitN(line, " ", 3)
	status := 0
	if len(words) > 1 && words[0] == "HTTP/1.1" && len(words[1]) == 3 {
		status, _ = strconv.Atoi(words[1])
	}
	if status < 200 || status > 599 {
		return nil, errMalformed
	}
	answer := &response{status: status, from: from, left: -1, last: true}
	for count := 0; ; count++ {
		line, err := readLine(from)
		if err != nil {
			return nil, err
		}
		if line == "" {
			break
		}
		if err := answer.takeHeader(line); err != nil || count > maxHeaderLines {
			return nil, errMalformed
		}
	}
	return answer, answer.begin()
}

func (r *response) takeHeader(line string) error {
	name, value, found := strings.Cut(line, ":")
	if !found {
		return errMalformed
	}
	value = strings.TrimSpace(value)
	switch strings.ToLower(name) {
	case "content-length":
		length, err := strconv.ParseInt(value, 10, 64)
		if err != nil || length < 0 {
			return errMalformed
		}
		r.left = length
	case "transfer-encoding":
		if !strings.EqualFold(value, "chunked") {
			return errMalformed
		}
		r.chunked = true
	case "etag":
		r.tag = value
	case "connection":
		r.closes = strings.EqualFold(value, "close")
	case "kame-refused":
		r.readOnly = value == "read-only"
	}
	return nil
}

// begin prepares the content to be read.
func (r *response) begin() error {
	const noContent, notModified = 204, 304
	switch {
	case r.status == noContent || r.status == notModified:
		r.chunked, r.left = false, 0
	case r.chunked:
		r.left, r.last = 0, false
	case r.left < 0:
		return errMalformed
	}
	return nil
}

// Read reads the content.
func (r *response) Read(into []byte) (int, error) {
	for r.left == 0 {
		if r.last {
			return 0, io.EOF
		}
		if err := r.nextChunk(); err != nil {
			return 0, err
		}
	}
	if int64(len(into)) > r.left {
		into = into[:r.left]
	}
	count, err := r.from.Read(into)
	r.left -= int64(count)
	if r.left == 0 && err == nil && r.chunked {
		err = r.expectEnd()
	}
	if err != nil {
		return count, &brokenError{err}
	}
	return count, nil
}

func (r *response) expectEnd() error {
	line, err := readLine(r.from)
	if err == nil && line != "" {
		err = errMalformed
	}
	return err
}

func (r *response) nextChunk() error {
	line, err := readLine(r.from)
	if err != nil {
		return &brokenError{err}
	}
	const hexadecimal, bits = 16, 31
	size, err := strconv.ParseUint(line, hexadecimal, bits)
	if err != nil {
		return &brokenError{errMalformed}
	}
	r.left = int64(size)
	if size > 0 {
		return nil
	}
	r.last = true
	if err := r.expectEnd(); err != nil {
		return &brokenError{err}
	}
	return nil
}

func (r *response) isDone() bool { return r.left == 0 && r.last }

// discard reads what nobody wants, unless it is much.
func (r *response) discard() error {
	if r.isDone() {
		return nil
	}
	if _, err := io.CopyN(io.Discard, r, maxDiscarded); err != io.EOF {
		r.closes = true
	}
	return nil
}

// StatusError says that the host refused a request.
type StatusError struct {
	Status int
	// ReadOnly tells that the shared folder is.
	ReadOnly bool
}

func (s *StatusError) Error() string { return fmt.Sprintf("the host has refused it with %d", s.Status) }

// expect makes an error of an answer with another status.
func (r *response) expect(wanted ...int) error {
	for _, status := range wanted {
		if r.status == status {
			return nil
		}
	}
	return &StatusError{Status: r.status, ReadOnly: r.readOnly}
}
