package identity

import (
	"sync"
	"time"
)

// leases is what the DHCP clients of this guest are still to be told.
var leases waiting

// RenewLeases tells the DHCP clients now what they would be told later.
func RenewLeases() { leases.begin() }

// waiting is work that begins when it is asked for, or else after a time, since whoever would ask may be gone.
type waiting struct {
	lock  sync.Mutex
	timer *time.Timer
	work  func()
}

// put has work done within a time. Other work that waits begins.
func (w *waiting) put(work func(), within time.Duration) {
	w.begin()
	w.lock.Lock()
	defer w.lock.Unlock()
	w.work = work
	w.timer = time.AfterFunc(within, w.begin)
}

// begin starts the work that waits, if any.
func (w *waiting) begin() {
	w.lock.Lock()
	defer w.lock.Unlock()
	if w.work == nil {
		return
	}
	w.timer.Stop()
	go w.work()
	w.work = nil
}
