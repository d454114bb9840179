package linux

import (
	"os"
	"testing"
)

func TestHungUpTellsOfTheOtherEnd(t *testing.T) {
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if HungUp(out.Fd()) {
		t.Fatal("the other end is there")
	}
	_ = in.Close()
	if !HungUp(out.Fd()) {
		t.Fatal("the other end is gone")
	}
}
