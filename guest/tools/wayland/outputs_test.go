package wayland

import "testing"

func TestResize(t *testing.T) {
	server := compose(t, outputManagement)
	outputs, err := NewOutputs(connected(t))
	if err != nil {
		t.Fatal(err)
	}
	if width, height := outputs.Size(); width != 1280 || height != 800 {
		t.Fatalf("%dx%d", width, height)
	}
	// The outputs change meanwhile: it asks again.
	server.will(2)
	if err := outputs.Resize(1921, 1079); err != nil {
		t.Fatal(err)
	}
	if width, height := outputs.Size(); width != 1921 || height != 1079 {
		t.Fatalf("%dx%d", width, height)
	}
	for _, outcomes := range [][]uint16{{1}, {2, 2, 2}} {
		server.will(outcomes...)
		if err := outputs.Resize(1, 1); err == nil {
			t.Fatalf("no error after %v", outcomes)
		}
	}
}
