package webdav

import (
	"errors"
	"fmt"
	"strings"
)

// As on the host; it refuses more.
const maxAddressBytes = 3 * 4096

// ErrLongName says that a path is too long.
var ErrLongName = errors.New("the path is too long")

func isPlain(char byte) bool {
	return char >= 'a' && char <= 'z' || char >= 'A' && char <= 'Z' || char >= '0' && char <= '9' ||
		strings.IndexByte("-_.~", char) >= 0
}

// address makes an address of names.
func address(path []string) (string, error) {
	const digits = "0123456789ABCDEF"
	text := strings.Builder{}
	for _, name := range path {
		text.WriteByte('/')
		for at := 0; at < len(name); at++ {
			if char := name[at]; isPlain(char) {
				text.WriteByte(char)
			} else {
				text.Write([]byte{'%', digits[char>>4], digits[char&15]})
			}
		}
	}
	if text.Len() == 0 {
		return "/", nil
	}
	if text.Len() > maxAddressBytes {
		return "", ErrLongName
	}
	return text.String(), nil
}

func hexDigit(char byte) (byte, bool) {
	switch {
	case char >= '0' && char <= '9':
		return char - '0', true
	case char >= 'A' && char <= 'F':
		return char - 'A' + 10, true
	case char >= 'a' && char <= 'f':
		return char - 'a' + 10, true
	}
	return 0, false
}

// lastName is the decoded last name of an address; that of a folder ends with a slash. Names that no file of Linux can have are
// not returned.
func lastName(address string) (string, bool) {
	address = strings.TrimSuffix(address, "/")
	encoded := address[strings.LastIndexByte(address, '/')+1:]
	name := make([]byte, 0, len(encoded))
	for at := 0; at < len(encoded); at++ {
		char := encoded[at]
		if char == '%' {
			if at+2 >= len(encoded) {
				return "", false
			}
			high, first := hexDigit(encoded[at+1])
			low, second := hexDigit(encoded[at+2])
			if !first || !second {
				return "", false
			}
			char = high<<4 | low
			at += 2
		}
		if char == 0 || char == '/' {
			return "", false
		}
		name = append(name, char)
	}
	const longest = 255
	text := string(name)
	return text, text != "" && text != "." && text != ".." && len(text) <= longest
}

func rangeHeader(first, last uint64) string {
	return fmt.Sprintf("Range: bytes=%d-%d\r\n", first, last)
}

// headOf is a request up to a file that it sends.
func headOf(asked call) ([]byte, error) {
	target, err := address(asked.path)
	if err != nil {
		return nil, err
	}
	length := ""
	if size := asked.size + int64(len(asked.text)); size > 0 || asked.method == "PUT" {
		length = fmt.Sprintf("Content-Length: %d\r\n", size)
	}
	first := asked.method + " " + target + " HTTP/1.1\r\nHost: host\r\n"
	return []byte(first + length + asked.headers + "\r\n" + asked.text), nil
}
