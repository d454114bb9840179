package identity

import (
	"testing"
	"time"
)

func TestWorkThatWaits(t *testing.T) {
	done := make(chan string, 10)
	next := func() string {
		t.Helper()
		select {
		case name := <-done:
			return name
		case <-time.After(10 * time.Second):
			t.Fatal("nothing was done")
			return ""
		}
	}
	work := func(name string) func() { return func() { done <- name } }
	var w waiting
	w.begin()
	w.put(work("by itself"), time.Millisecond)
	if got := next(); got != "by itself" {
		t.Fatal(got)
	}
	w.put(work("asked"), time.Hour)
	w.begin()
	w.begin()
	if got := next(); got != "asked" {
		t.Fatal(got)
	}
	w.put(work("first"), time.Hour)
	w.put(work("second"), time.Hour)
	if got := next(); got != "first" {
		t.Fatal(got)
	}
	w.begin()
	if got := next(); got != "second" {
		t.Fatal(got)
	}
	if len(done) != 0 {
		t.Fatal("something was done twice")
	}
}
