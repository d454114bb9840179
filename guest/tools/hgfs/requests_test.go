package hgfs

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// requests reads what a client asks for.
type requests struct{ from *bufio.Reader }

func newRequests(from io.Reader) requests { return requests{bufio.NewReader(from)} }

func (r requests) next() (method, path string, size int, ok bool) {
	for at := 0; ; at++ {
		line, err := r.from.ReadString('\n')
		if err != nil {
			return "", "", 0, false
		}
		line = strings.TrimSpace(line)
		if line == "" {
			return method, path, size, true
		}
		if at == 0 {
			words := strings.Split(line, " ")
			method, path = words[0], words[1]
		}
		if name, value, _ := strings.Cut(line, ": "); name == "Content-Length" {
			size, _ = strconv.Atoi(value)
		}
	}
}

func (r requests) body(size int) string {
	body := make([]byte, size)
	_, _ = io.ReadFull(r.from, body)
	return string(body)
}
