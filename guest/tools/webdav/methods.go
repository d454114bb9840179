package webdav

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

const apache = `xmlns:A="http://apache.org/dav/props/"`

const (
	propertiesOf = `<D:propfind xmlns:D="DAV:" ` + apache + `><D:prop><D:resourcetype/><D:getcontentlength/>` +
		`<D:getlastmodified/><D:isreadonly/><A:executable/></D:prop></D:propfind>`
	spaceOf = `<D:propfind xmlns:D="DAV:"><D:prop><D:quota-available-bytes/><D:quota-used-bytes/></D:prop></D:propfind>`
	// A list that is longer is cut.
	maxEntries  = 100_000
	multistatus = 207
)

var errEnough = errors.New("these are enough")

// propfind asks for properties of something, and with depth 1 of what is in it.
func (c *Client) propfind(ctx context.Context, path []string, body, depth string, each take) error {
	// Without shared folders there is no host, so none is waited for when it is asked for them.
	asked := call{method: "PROPFIND", path: path, headers: "Depth: " + depth + "\r\n", text: body,
		repeatable: true, impatient: len(path) <= 1}
	return c.do(ctx, asked, func(answer *response) error {
		if err := answer.expect(multistatus); err != nil {
			return err
		}
		return readEntries(answer, each)
	})
}

// Find tells what a path leads to.
func (c *Client) Find(ctx context.Context, path []string) (Entry, error) {
	return c.findWith(ctx, path, propertiesOf)
}

// Space tells how much of the disk with a shared folder is free, and how much is not.
func (c *Client) Space(ctx context.Context, path []string) (free, used uint64, err error) {
	found, err := c.findWith(ctx, path, spaceOf)
	return found.Free, found.Used, err
}

func (c *Client) findWith(ctx context.Context, path []string, body string) (Entry, error) {
	var found *Entry
	err := c.propfind(ctx, path, body, "0", func(_ int, _ string, entry Entry) error {
		found = &entry
		return nil
	})
	if err != nil {
		return Entry{}, err
	}
	if found == nil {
		return Entry{}, errMalformed
	}
	return *found, nil
}

// List returns what is in a folder.
func (c *Client) List(ctx context.Context, path []string) ([]Entry, error) {
	var entries []Entry
	err := c.propfind(ctx, path, propertiesOf, "1", func(at int, address string, entry Entry) error {
		if at == 0 {
			// This is the folder itself. What was found before the request was repeated is forgotten.
			entries = nil
			return nil
		}
		name, isGood := lastName(address)
		if !isGood {
			return nil
		}
		if len(entries) >= maxEntries {
			return errEnough
		}
		entry.Name = name
		entries = append(entries, entry)
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return entries, err
}

// Read reads a part of a file, and returns its tag, which is another one when the file has changed. It returns less than there is
// room for only at the end of the file.
func (c *Client) Read(ctx context.Context, path []string, into []byte, offset uint64) (int, string, error) {
	const whole, part, beyond = 200, 206, 416
	count, tag := 0, ""
	last := offset + uint64(len(into)) - 1
	asked := call{method: "GET", path: path, headers: rangeHeader(offset, last), repeatable: true}
	err := c.do(ctx, asked, func(answer *response) error {
		if answer.status == beyond {
			count, tag = 0, ""
			return nil
		}
		if err := answer.expect(part); err != nil {
			if answer.status == whole {
				// A folder has taken the place of the file.
				err = errMalformed
			}
			return err
		}
		tag = answer.tag
		var err error
		count, err = io.ReadFull(answer, into)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = nil
		}
		return err
	})
	return count, tag, err
}

// Put writes a whole file, in place of one that is there, unless it must be new.
func (c *Client) Put(ctx context.Context, path []string, content *os.File, size int64, isNew bool) error {
	asked := call{method: "PUT", path: path, repeatable: !isNew}
	if isNew {
		asked.headers = "If-None-Match: *\r\n"
	}
	if size > 0 {
		asked.body, asked.size = content, size
	}
	return c.do(ctx, asked, expecting(200, 201, 204))
}

// MakeFolder makes a folder.
func (c *Client) MakeFolder(ctx context.Context, path []string) error {
	return c.do(ctx, call{method: "MKCOL", path: path}, expecting(201))
}

// Remove removes a file or an empty folder.
func (c *Client) Remove(ctx context.Context, path []string) error {
	return c.do(ctx, call{method: "DELETE", path: path, headers: "Depth: 0\r\n"}, expecting(204))
}

// Move gives something another path, in place of a file that is there if it may.
func (c *Client) Move(ctx context.Context, from, to []string, replaces bool) error {
	target, err := address(to)
	if err != nil {
		return err
	}
	overwrite := "F"
	if replaces {
		overwrite = "T"
	}
	headers := "Destination: " + target + "\r\nOverwrite: " + overwrite + "\r\n"
	return c.do(ctx, call{method: "MOVE", path: from, headers: headers}, expecting(201, 204))
}

// SetProgram makes a file a program, or none.
func (c *Client) SetProgram(ctx context.Context, path []string, isProgram bool) error {
	value := "F"
	if isProgram {
		value = "T"
	}
	return c.set(ctx, path, `<A:executable `+apache+`>`+value+`</A:executable>`)
}

// SetModified sets when a file was changed, in seconds since 1970. Folders keep their time.
func (c *Client) SetModified(ctx context.Context, path []string, at int64) error {
	text := time.Unix(at, 0).UTC().Format(timeFormat)
	const name = "W:Win32LastModifiedTime"
	return c.set(ctx, path, `<`+name+` xmlns:W="urn:schemas-microsoft-com:">`+text+`</`+name+`>`)
}

func (c *Client) set(ctx context.Context, path []string, property string) error {
	body := `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>` + property + `</D:prop></D:set></D:propertyupdate>`
	asked := call{method: "PROPPATCH", path: path, text: body, repeatable: true}
	return c.do(ctx, asked, expecting(multistatus))
}

func expecting(wanted ...int) func(*response) error {
	return func(answer *response) error { return answer.expect(wanted...) }
}
