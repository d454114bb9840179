package webdav

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// clientOf makes a client of a host that gives each connection one of these answers, the last one to all that follow; an empty one
// ends the connection.
func clientOf(t *testing.T, answers ...string) (*Client, chan string) {
	t.Helper()
	asked := make(chan string, 64)
	client := NewClient(func() (net.Conn, error) {
		end, host := net.Pipe()
		answer := answers[0]
		if len(answers) > 1 {
			answers = answers[1:]
		}
		go func() {
			defer host.Close()
			line, err := bufio.NewReader(host).ReadString('\n')
			if err != nil {
				return
			}
			asked <- strings.TrimSpace(line)
			_, _ = io.WriteString(host, answer)
		}()
		return end, nil
	})
	client.patience = 500 * time.Millisecond
	return client, asked
}

func list(entries ...string) string {
	body := "<?xml version=\"1.0\"?>\n<D:multistatus xmlns:D=\"DAV:\"><D:response><D:href>/w/</D:href></D:response>"
	for _, entry := range entries {
		body += "<D:response>" + entry + "</D:response>"
	}
	return chunked(body + "</D:multistatus>\n")
}

func chunked(body string) string {
	const half = 0x20
	return "HTTP/1.1 207 M\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n" + body[:half] + "\r\n" +
		hexOf(len(body)-half) + "\r\n" + body[half:] + "\r\n0\r\n\r\n"
}

func hexOf(number int) string {
	const digits = "0123456789abcdef"
	if number < len(digits) {
		return digits[number : number+1]
	}
	return hexOf(number/len(digits)) + digits[number%len(digits):number%len(digits)+1]
}

func TestListsWhatALinuxFileCanBeCalled(t *testing.T) {
	client, _ := clientOf(t, list(
		"<D:href>/w/a%20%C3%BC&amp;</D:href><D:getcontentlength>7</D:getcontentlength>"+
			"<D:getlastmodified>Thu, 02 Jan 2020 03:04:05 GMT</D:getlastmodified><executable xmlns=\"x\">T</executable>",
		"<D:href>/w/d/</D:href><D:resourcetype><D:collection/></D:resourcetype><D:isreadonly>1</D:isreadonly>",
		"<D:href>/w/..</D:href>", "<D:href>/w/a%2Fb</D:href>", "<D:href>/w/%00</D:href>", "<D:href>/w/%4</D:href>"))
	got, err := client.List(context.Background(), []string{"w"})
	want := []Entry{
		{Name: "a ü&", Size: 7, Modified: 1577934245, IsProgram: true},
		{Name: "d", IsFolder: true, ReadOnly: true},
	}
	if err != nil || len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestRepeatsWhatMayBeRepeated(t *testing.T) {
	client, asked := clientOf(t, "", "HTTP/1.1 206 P\r\nContent-Length: 3\r\n\r\na", "HTTP/1.1 206 P\r\nETag: \"t\"\r\nContent-Length: 3\r\n\r\nabc")
	data := make([]byte, 8)
	count, tag, err := client.Read(context.Background(), []string{"w", "f"}, data, 0)
	if err != nil || string(data[:count]) != "abc" || tag != `"t"` || len(asked) != 3 {
		t.Fatalf("%q %q %v, asked %d times", data[:count], tag, err, len(asked))
	}
}

func TestDoesNotRepeatAMove(t *testing.T) {
	client, asked := clientOf(t, "", "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
	err := client.Move(context.Background(), []string{"w", "a"}, []string{"w", "b"}, false)
	if !errors.Is(err, ErrNoAnswer) || len(asked) != 1 {
		t.Fatalf("%v, asked %d times", err, len(asked))
	}
}

func TestGivesUpAHostThatSaysNothingOrNonsense(t *testing.T) {
	for _, answer := range []string{"", "nonsense\n", "HTTP/1.1 207 M\r\n\r\n", "HTTP/1.1 99 X\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 207 M\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 207 M\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		strings.Repeat("x", 2*lineBytes), "HTTP/1.1 207 M\r\nContent-Length: 9\r\n\r\n<D:"} {
		client, _ := clientOf(t, answer)
		if _, err := client.Find(context.Background(), []string{"w", "f"}); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("%.30q: %v", answer, err)
		}
	}
}

func TestCanBeInterrupted(t *testing.T) {
	client := NewClient(func() (net.Conn, error) {
		end, host := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, host) }()
		return end, nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := client.Find(ctx, []string{"w"}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestTellsARefusal(t *testing.T) {
	client, _ := clientOf(t, "HTTP/1.1 403 F\r\nKame-Refused: read-only\r\nContent-Length: 2\r\n\r\nno")
	err := client.MakeFolder(context.Background(), []string{"w", "d"})
	var refused *StatusError
	if !errors.As(err, &refused) || refused.Status != 403 || !refused.ReadOnly {
		t.Fatal(err)
	}
}

func TestEncodesAnyName(t *testing.T) {
	got, err := address([]string{"w", "a b/%?#\xff\r\n"})
	if err != nil || got != "/w/a%20b%2F%25%3F%23%FF%0D%0A" {
		t.Fatal(got, err)
	}
	if _, err := address([]string{strings.Repeat("x", maxAddressBytes)}); !errors.Is(err, ErrLongName) {
		t.Fatal(err)
	}
}
