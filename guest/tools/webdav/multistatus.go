package webdav

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"
)

// Entry is a file or a folder of the host.
type Entry struct {
	Name string
	IsFolder,
	IsProgram,
	ReadOnly bool
	Size uint64
	// Seconds since 1970.
	Modified int64
	// Of the disk that it is on, if it was asked for.
	Free, Used uint64
}

// The host's answers have few elements within each other, and texts that are shorter than an address.
const maxTokenBytes = 16 * 1024

var entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&")

// readToken reads up to and with a character.
func readToken(from *bufio.Reader, end byte) (string, error) {
	token, err := from.ReadSlice(end)
	if err == io.EOF && strings.TrimSpace(string(token)) != "" {
		err = errMalformed
	}
	return string(token), err
}

// take is given the entries of a list, each with its place in it. The first is what was asked for.
type take func(at int, address string, entry Entry) error

// readEntries reads the answer to a PROPFIND of our own server, and hands over its entries.
func readEntries(from io.Reader, each take) error {
	reader := bufio.NewReaderSize(from, maxTokenBytes)
	var entry Entry
	address, closed, count := "", false, 0
	for {
		text, err := readToken(reader, '<')
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		tag, err := readToken(reader, '>')
		if err != nil {
			return err
		}
		text = entities.Replace(strings.TrimSuffix(text, "<"))
		tag = strings.TrimSuffix(tag, ">")
		switch tag {
		case "D:response":
			entry, address = Entry{}, ""
		case "/D:href":
			address = text
		case "/D:response":
			if err := each(count, address, entry); err != nil {
				return err
			}
			count++
		case "/D:multistatus":
			closed = true
		default:
			if err := entry.take(tag, text); err != nil {
				return err
			}
		}
	}
	if !closed {
		return &brokenError{io.ErrUnexpectedEOF}
	}
	return nil
}

// take takes a property at its end. Those that the host does not have are empty.
func (e *Entry) take(tag string, text string) error {
	const decimal, bits = 10, 63
	var err error
	switch tag {
	case "D:collection/":
		e.IsFolder = true
	case "/D:getcontentlength":
		e.Size, err = strconv.ParseUint(text, decimal, bits)
	case "/D:quota-available-bytes":
		e.Free, err = strconv.ParseUint(text, decimal, bits)
	case "/D:quota-used-bytes":
		e.Used, err = strconv.ParseUint(text, decimal, bits)
	case "/D:isreadonly":
		e.ReadOnly = text == "1"
	case "/executable":
		e.IsProgram = text == "T"
	case "/D:getlastmodified":
		var at time.Time
		if at, err = time.Parse(timeFormat, text); err == nil && at.Unix() > 0 {
			e.Modified = at.Unix()
		}
	}
	if err != nil {
		return errMalformed
	}
	return nil
}

// timeFormat is that of HTTP.
const timeFormat = "Mon, 02 Jan 2006 15:04:05 GMT"
